import type { BlockSource } from './block-source.ts';
import type { ShardRecord } from './shard-record.ts';
import type { Vault } from './vault.ts';

/** How far a shard is; counts start at 0 with every attempt. */
export interface ArchiveProgress {
  readonly bytesRead: number;
  readonly bytesStored: number;
  /** Blocks of the shard's range that are settled, holes included, and how many there are. */
  readonly blocksDone: number;
  readonly blocks: number;
}

export interface ArchiveShardRequest {
  readonly vault: Vault;
  readonly runId: string;
  readonly volumeId: string;
  /** Counts from 0; shard n covers segments n × shardSegments … */
  readonly shard: number;
  readonly shardSegments: number;
  readonly source: BlockSource;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ArchiveProgress) => void;
}

/**
 * Stores one shard of a volume. Repeatable: a finished shard is found by its record and not read again; of two attempts
 * at once one wins and the other adopts its record. Needs the data and meta roots.
 */
export async function archiveShard(_: ArchiveShardRequest): Promise<ShardRecord> {
  throw new Error('not written yet');
}
