import { SHARD } from './archive-shard.ts';
import { readDocument } from './documents.ts';
import type { MapRef } from './fields.ts';
import { describeVolume } from './finish-volume.ts';
import { isDamage } from './is-damage.ts';
import { mustBe } from './must-be.ts';
import { shardKey } from './object-keys.ts';
import { readMap } from './read-map.ts';
import type { Vault } from './vault.ts';
import type { VolumeMap } from './volume-map.ts';

interface VolumeOfPoint {
  readonly volumeId: string;
  /** Of the point's manifest. */
  readonly map: MapRef;
}

/**
 * The map of a volume. Where its object is lost, the shard records of the run that wrote it take its place
 * (docs/vault-format.md 9.1); if they do not give what the manifest promises, the error is the one that told of the loss.
 */
export async function readOrRebuildMap(vault: Vault, volume: VolumeOfPoint, signal: AbortSignal): Promise<VolumeMap> {
  try {
    return await readMap(vault, volume, signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return rebuildMap(vault, volume, signal).catch((failure: unknown) => {
      throw isDamage(failure) ? error : failure;
    });
  }
}

/** Proven by the manifest: the digest is over the ids of all blocks. How long packs are locked it does not know. */
async function rebuildMap(
  vault: Vault,
  { volumeId, map: ref }: VolumeOfPoint,
  signal: AbortSignal,
): Promise<VolumeMap> {
  const { runId } = ref;
  const { volumeBytes, shardSegments } = await readDocument(
    SHARD,
    { vault, key: shardKey(runId, volumeId, 0) },
    signal,
  );
  const map = await describeVolume({ vault, runId }, { volumeId, volumeBytes, shardSegments, signal });
  mustBe('volumeDigest', map.volumeDigest, ref.volumeDigest);
  return map;
}
