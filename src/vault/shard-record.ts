import { z } from 'zod';
import { Count, RunId, Sha256Hex, Time, VolumeBytes, VolumeId } from './fields.ts';
import { MAX_SHARD_SEGMENTS } from './parameters.ts';

/** Names one segment object; null where a whole segment is holes. */
export const SegmentRef = z.strictObject({
  runId: RunId,
  segmentId: Sha256Hex,
  segmentBytes: Count,
  storedBlocks: Count,
  storedBytes: Count,
});
export type SegmentRef = z.infer<typeof SegmentRef>;

/** `runs/<runId>/shards/<volumeId>-<n>.json`: what a shard produced. Whoever finds it need not do the work again. */
export const ShardRecord = z.strictObject({
  runId: RunId,
  volumeId: VolumeId,
  volumeBytes: VolumeBytes,
  shard: Count,
  shardSegments: z.int().min(1).max(MAX_SHARD_SEGMENTS),
  firstSegment: Count,
  segments: z.array(SegmentRef.nullable()).min(1).max(MAX_SHARD_SEGMENTS),
  /** Blocks that the source listed, zero ones included. */
  blocksRead: Count,
  storedBlocks: Count,
  storedBytes: Count,
  finishedAt: Time,
});
export type ShardRecord = z.infer<typeof ShardRecord>;
