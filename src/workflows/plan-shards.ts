/** A segment spans 4 GiB (docs/vault-format.md 4). */
const SEGMENT_SPAN_BYTES = 4 * 2 ** 30;

/**
 * A shard costs its volume's history six events, and a history ends at 51,200. This many make 6,144: what shards of 16 segments
 * make of the largest EBS volume, 64 TiB.
 */
const MOST_SHARDS = 1_024;

/** As configured, or more where a large volume would be cut into too many shards. */
export function planShardSegments(volumeBytes: number, wanted: number): number {
  return Math.max(wanted, Math.ceil(volumeBytes / (SEGMENT_SPAN_BYTES * MOST_SHARDS)));
}

export function countShards(volumeBytes: number, shardSegments: number): number {
  return Math.ceil(volumeBytes / (SEGMENT_SPAN_BYTES * shardSegments));
}
