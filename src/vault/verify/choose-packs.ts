import type { CheckRecord, VerifyLevel } from './check-record.ts';
import { faultOf, type KnownPack, type KnownPacks } from './known-packs.ts';

/** Of every pack no check has seen: so many of its blocks. */
export const NEW_BLOCKS_SHARE = 0.05;
/** Of the packs seen before: so many, read whole. A hundred samples read everything once. */
const OLD_PACKS_SHARE = 0.01;

export interface ChosenPacks {
  readonly whole: readonly KnownPack[];
  readonly sampled: readonly KnownPack[];
  /** The last pack of the rotation; where the next sample goes on. */
  readonly cursor: CheckRecord['cursor'];
}

/** Which packs a level reads. What a listing already showed to be missing or cut is not read. */
export function choosePacks(
  known: KnownPacks,
  {
    level,
    isNew,
    last,
  }: {
    readonly level: VerifyLevel;
    readonly isNew: (runId: string) => boolean;
    readonly last: CheckRecord | undefined;
  },
): ChosenPacks {
  const readable = [...known.values()].filter((pack) => faultOf(pack) === undefined);
  if (level === 'structure') return { whole: [], sampled: [], cursor: null };
  if (level === 'full') return { whole: readable, sampled: [], cursor: null };
  const old = readable.filter(({ runId }) => !isNew(runId)).sort((a, b) => (a.key < b.key ? -1 : 1));
  const whole = nextInRotation(old, last?.cursor ?? null);
  const lastRead = whole.at(-1);
  return {
    whole,
    sampled: readable.filter(({ runId }) => isNew(runId)),
    cursor: lastRead ? { runId: lastRead.runId, packId: lastRead.packId } : (last?.cursor ?? null),
  };
}

/** Going round in the order of names, the pack behind the one read last is the one read longest ago. */
function nextInRotation(packs: readonly KnownPack[], cursor: CheckRecord['cursor']): KnownPack[] {
  const wanted = Math.ceil(packs.length * OLD_PACKS_SHARE);
  const isBehind = ({ runId, packId }: KnownPack) =>
    cursor === null || runId > cursor.runId || (runId === cursor.runId && packId > cursor.packId);
  const behind = packs.filter(isBehind);
  return [...behind, ...packs.slice(0, packs.length - behind.length)].slice(0, wanted);
}
