import type { ByteSource } from '../disk/byte-source.ts';
import type { BlockRange } from './block-source.ts';
import type { MapRef } from './fields.ts';
import type { Vault } from './vault.ts';

/** One stored block, proven; blocks that do not appear are holes. */
export interface VolumeBlock {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Of the plain bytes. */
  readonly sha256: Uint8Array;
}

/** A volume in the vault. Errors name the pack or segment and the block: ObjectMissing, ObjectDamaged, FormatError. */
export interface ArchivedVolume {
  readonly volumeBytes: number;
  /** Number of stored blocks; the rest are holes. */
  readonly storedBlocks: number;
  /** Random access with a small cache. */
  readonly source: ByteSource;
  /** Stored blocks in order, read by coalesced ranges ahead of the caller. A full pass also proves the volume's digest. */
  blocks(range: BlockRange, signal: AbortSignal): AsyncIterable<VolumeBlock>;
}

/** Needs the data and meta roots. */
export async function openVolume(_: {
  vault: Vault;
  pointId: string;
  volumeId: string;
  signal: AbortSignal;
}): Promise<ArchivedVolume> {
  throw new Error('not written yet');
}

/** The same before the commit, for facts that are read once more from sealed packs. */
export async function openArchivedVolume(_: {
  vault: Vault;
  volumeId: string;
  map: Pick<MapRef, 'runId' | 'mapId' | 'mapBytes'>;
  signal: AbortSignal;
}): Promise<ArchivedVolume> {
  throw new Error('not written yet');
}
