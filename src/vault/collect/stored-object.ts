import type { ObjectFacts } from '../object-store.ts';

/** What collection may remove; everything else in a vault stays for ever. */
export type ObjectKind =
  | 'pack'
  | 'segment'
  | 'map'
  | 'shard'
  | 'changes'
  | 'evidence'
  | 'session'
  | 'catalog'
  | 'index'
  | 'index-page';

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly kind: ObjectKind;
  /** The run that wrote it; of a catalog entry, a file index and its pages, the point they are of. */
  readonly runId: string;
  /** 64 hex digits of a pack, segment, map or page; else empty. */
  readonly id: string;
}

const RUN = String.raw`(?<runId>\d{8}T\d{6}Z-[0-9a-f]{8})`;
const NAME = '[A-Za-z0-9][A-Za-z0-9._-]*';
const ID = '(?<id>[0-9a-f]{64})';

const KEYS: readonly { readonly kind: ObjectKind; readonly pattern: RegExp }[] = [
  { kind: 'pack', pattern: new RegExp(`^runs/${RUN}/packs/${ID}\\.pack$`) },
  { kind: 'segment', pattern: new RegExp(`^runs/${RUN}/segments/${ID}\\.seg$`) },
  { kind: 'map', pattern: new RegExp(`^runs/${RUN}/maps/${NAME}-${ID}\\.map$`) },
  { kind: 'shard', pattern: new RegExp(`^runs/${RUN}/shards/${NAME}-\\d+\\.json$`) },
  { kind: 'changes', pattern: new RegExp(`^runs/${RUN}/changes/${NAME}\\.chg$`) },
  { kind: 'evidence', pattern: new RegExp(`^runs/${RUN}/evidence/${NAME}$`) },
  { kind: 'session', pattern: new RegExp(`^runs/${RUN}/session\\.json$`) },
  { kind: 'catalog', pattern: new RegExp(`^catalog/${NAME}/\\d{8}T\\d{6}Z-${RUN}\\.json$`) },
  { kind: 'index', pattern: new RegExp(`^index/files/${RUN}/\\d{8}T\\d{6}Z-[0-9a-f]{8}\\.idx$`) },
  { kind: 'index-page', pattern: new RegExp(`^index/pages/${RUN}/${ID}\\.page$`) },
];

/** Undefined for keys that this version does not know: they are not its to remove. */
export function recognizeObject({ key, bytes }: ObjectFacts): StoredObject | undefined {
  for (const { kind, pattern } of KEYS) {
    const groups = pattern.exec(key)?.groups;
    if (groups?.runId !== undefined) return { key, bytes, kind, runId: groups.runId, id: groups.id ?? '' };
  }
  return undefined;
}
