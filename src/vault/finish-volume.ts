import type { MapRef } from './fields.ts';
import type { Vault } from './vault.ts';

/** Checks that every shard of the volume is recorded, then writes its map. Repeatable. Needs the meta root only. */
export async function finishVolume(_: {
  vault: Vault;
  runId: string;
  volumeId: string;
  volumeBytes: number;
  shardSegments: number;
  signal: AbortSignal;
}): Promise<MapRef> {
  throw new Error('not written yet');
}
