import { packKey, packsPrefix } from '../object-keys.ts';
import type { Vault } from '../vault.ts';
import type { MapPack } from '../volume-map.ts';
import type { ProvenBlocks } from './proven-blocks.ts';

/** A pack that some point needs. About 300 bytes of memory each: 10 MiB for a TiB of packs. */
export interface KnownPack {
  readonly key: string;
  readonly runId: string;
  readonly packId: string;
  readonly packBytes: number;
  readonly keyEpoch: number;
  /** Undefined: not there. */
  storedBytes: number | undefined;
  /** What reading it showed. */
  fault: string | undefined;
  /** Its blocks, when all of them were opened. */
  proven: ProvenBlocks | undefined;
}

export type KnownPacks = Map<string, KnownPack>;

/** Adds the packs of a map and asks the store for their sizes: by listings, 1,000 objects a call. */
export async function learnPacks(
  { store }: Vault,
  { known, packs }: { readonly known: KnownPacks; readonly packs: readonly MapPack[] },
  signal: AbortSignal,
): Promise<void> {
  const unlisted = new Set<string>();
  for (const { runId, packId, packBytes, keyEpoch } of packs) {
    const key = packKey(runId, packId);
    if (known.has(key)) continue;
    const facts = { storedBytes: undefined, fault: undefined, proven: undefined };
    known.set(key, { key, runId, packId, packBytes, keyEpoch, ...facts });
    unlisted.add(runId);
  }
  for (const runId of unlisted) {
    for await (const { key, bytes } of store.list(packsPrefix(runId), signal)) {
      const pack = known.get(key);
      if (pack) pack.storedBytes = bytes;
    }
  }
}

/** Why blocks of this pack may be lost; undefined while nothing speaks against it. */
export function faultOf({ key, packBytes, storedBytes, fault }: KnownPack): string | undefined {
  if (storedBytes === undefined) return `${key} does not exist`;
  if (storedBytes !== packBytes) return `${key} is ${storedBytes} bytes, its map says ${packBytes}`;
  return fault;
}
