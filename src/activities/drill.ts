import type { DrillCandidate, ResolvedDrill } from '../contract/drill.ts';
import {
  BLOCK_BYTES,
  depthOf,
  findPointState,
  forecast,
  holdsDisks,
  listPoints,
  type Measurement,
  readMeasurements,
  readStanding,
  type Vault,
} from '../vault/index.ts';
import { beating } from './beating.ts';
import type { VaultDoor } from './vault-door.ts';

export interface DrillDeps {
  readonly vaults: VaultDoor;
}

export interface DrillTurn {
  readonly vault: string;
  readonly pointId: string;
}

/** More than anybody drills in a day, and small enough for a history. */
const MAX_CANDIDATES = 200;
/** Enough for ten verifications of each of some machines. */
const MEASUREMENTS = 200;

export function createDrillActivities({ vaults }: DrillDeps) {
  return {
    /** Usable points, those first that were proven longest ago; every instance once before any comes twice. */
    async pickDrill({ vault: name, instanceId, plan }: ResolvedDrill): Promise<readonly DrillCandidate[]> {
      return beating(async ({ signal, progress }) => {
        const vault = await vaults.open(name, signal);
        const measurements = await readMeasurements({ vault, limit: MEASUREMENTS, signal });
        const found: DrillCandidate[] = [];
        for await (const point of listPoints({ vault, signal })) {
          progress();
          if (point.state !== 'committed' || point.expired || !holdsDisks(point.manifest)) continue;
          const { machine, volumes, plan: madeBy } = point.manifest;
          const { machineId } = machine;
          if (instanceId !== undefined && machineId !== instanceId) continue;
          if (plan !== undefined && madeBy !== plan) continue;
          const proof = await proofOf(vault, point.pointId, signal);
          // Somebody has been told already.
          if (proof === 'refuted') continue;
          const bytes = volumes.reduce((sum, { map }) => sum + map.storedBlocks * BLOCK_BYTES, 0);
          const expectedMs = expectation({ machineId, bytes, measurements });
          found.push({ pointId: point.pointId, instanceId: machineId, provenAt: proof, expectedMs });
        }
        return byTurns(found).slice(0, MAX_CANDIDATES);
      });
    },

    /** Asked when a point's turn comes, hours after it was picked: a collection may have removed what it was made of. */
    async hasExpired({ vault: name, pointId }: DrillTurn): Promise<boolean> {
      return beating(async ({ signal }) => {
        const point = await findPointState({ vault: await vaults.open(name, signal), pointId, signal });
        return point?.state === 'committed' && point.expired !== null;
      });
    },
  };
}

/** When it was last restored and booted; a look at its blocks alone is no drill. */
async function proofOf(vault: Vault, pointId: string, signal: AbortSignal): Promise<string | null | 'refuted'> {
  const { red, green } = await readStanding({ vault, pointId, signal });
  if (red) return 'refuted';
  return green && depthOf(green) === 'launch' ? green.finishedAt : null;
}

function expectation(asked: {
  readonly machineId: string;
  readonly bytes: number;
  readonly measurements: readonly Measurement[];
}): number | null {
  return forecast({ ...asked, kinds: ['verification'] })?.toMs ?? null;
}

/** Never proven before long ago; among the never proven the newest, which would be needed first. */
export function byTurns(candidates: readonly DrillCandidate[]): readonly DrillCandidate[] {
  const sorted = candidates.toSorted(
    (a, b) => compare(a.provenAt ?? '', b.provenAt ?? '') || compare(b.pointId, a.pointId),
  );
  const turns = new Map<string, number>();
  return sorted
    .map((candidate) => {
      const turn = turns.get(candidate.instanceId) ?? 0;
      turns.set(candidate.instanceId, turn + 1);
      return { candidate, turn };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ candidate }) => candidate);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
