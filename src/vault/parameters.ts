import { BLOCK_BYTES } from './block-source.ts';

/** One ListSnapshotBlocks page holds at most 10,000 blocks; 8,192 fit one page and make 4 GiB. */
export const SEGMENT_BLOCKS = 8192;
export const SEGMENT_SPAN_BYTES = SEGMENT_BLOCKS * BLOCK_BYTES;

/** 32 MiB: below 16 MiB request prices start to show, above it only memory grows (docs/vault-format.md 4.1). */
export const PACK_BYTES = 32 << 20;
/** A reader's bound: twice what writers make, so a later writer may choose larger packs. */
export const MAX_PACK_BYTES = 64 << 20;

/** 256 TiB: four times the largest EBS volume; keeps block numbers below 2^29. */
export const MAX_VOLUME_BYTES = 2 ** 48;

/** One activity's work: at most 64 GiB, so that a lost attempt repeats minutes, not hours. */
export const MAX_SHARD_SEGMENTS = 16;

export function countBlocks(volumeBytes: number): number {
  return Math.ceil(volumeBytes / BLOCK_BYTES);
}

export function countSegments(volumeBytes: number): number {
  return Math.ceil(volumeBytes / SEGMENT_SPAN_BYTES);
}

export function countShards(volumeBytes: number, shardSegments: number): number {
  return Math.ceil(countSegments(volumeBytes) / shardSegments);
}

/** Blocks in one segment: 8,192 but for the last one of a volume. */
export function countSegmentBlocks(volumeBytes: number, segment: number): number {
  return Math.min(SEGMENT_BLOCKS, countBlocks(volumeBytes) - segment * SEGMENT_BLOCKS);
}
