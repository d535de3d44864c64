import { VaultError } from '../errors.ts';
import type { BlockRange } from './block-source.ts';
import type { MapRef } from './fields.ts';
import { readPoint } from './points.ts';
import { createVolumeReader, type VolumeReader } from './read/volume-reader.ts';
import { readMap } from './read-map.ts';
import type { Vault } from './vault.ts';
import { readVolumeBlocks, type VolumeBlock } from './volume-blocks.ts';

export type { VolumeBlock };

/** A volume in the vault. Errors name the pack or segment and the block: ObjectMissing, ObjectDamaged, FormatError. */
export interface ArchivedVolume {
  readonly volumeBytes: number;
  /** Number of stored blocks; the rest are holes. */
  readonly storedBlocks: number;
  readonly source: VolumeReader;
  /** Stored blocks in order, read by coalesced ranges ahead of the caller. A full pass also proves the volume's digest. */
  blocks(range: BlockRange, signal: AbortSignal): AsyncIterable<VolumeBlock>;
}

/** Needs the data and meta roots. */
export async function openVolume({
  vault,
  pointId,
  volumeId,
  signal,
}: {
  readonly vault: Vault;
  readonly pointId: string;
  readonly volumeId: string;
  readonly signal: AbortSignal;
}): Promise<ArchivedVolume> {
  const { volumes } = await readPoint({ vault, pointId, signal });
  const volume = volumes.find((candidate) => candidate.volumeId === volumeId);
  if (volume) return openArchivedVolume({ vault, volumeId, map: volume.map, signal });
  const message = `recovery point ${pointId} holds ${volumes.map((v) => v.volumeId).join(', ')}, not ${volumeId}`;
  throw new VaultError('PointMissing', message, { context: { pointId, volumeId } });
}

/** The same before the commit, for facts that are read once more from sealed packs. */
export async function openArchivedVolume({
  vault,
  volumeId,
  map: ref,
  signal,
}: {
  readonly vault: Vault;
  readonly volumeId: string;
  readonly map: Pick<MapRef, 'runId' | 'mapId' | 'mapBytes'>;
  readonly signal: AbortSignal;
}): Promise<ArchivedVolume> {
  const map = await readMap(vault, { volumeId, map: ref }, signal);
  return {
    volumeBytes: map.volumeBytes,
    storedBlocks: map.storedBlocks,
    source: createVolumeReader(vault, map),
    blocks: (range, ours) => readVolumeBlocks(vault, { map, range }, ours),
  };
}
