import type { WrittenBlocks } from './written-blocks.ts';

/** 512 KiB: the block of the EBS direct APIs (API_ListSnapshotBlocks: BlockSize 524288) and of the vault. */
export const BLOCK_BYTES = 524_288;

/** One block of a volume as its source names it. `token` is the source's business and may die when listed again. */
export interface BlockRef {
  readonly index: number;
  readonly token: string;
}

/** Half-open: blocks `from` … `to - 1`. */
export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The blocks of one volume at one instant, immutable.
 * Listing again may end the life of refs from earlier listings (EBS direct APIs: tokens change), so list a range, read it
 * whole, then list the next.
 */
export interface BlockSource {
  readonly volumeBytes: number;
  /** Blocks ever written, ascending, each once; the others are zero. */
  blocks(range: BlockRange, signal: AbortSignal): AsyncIterable<BlockRef>;
  /**
   * Blocks that differ from `parent`, ascending; 'unrelated' when the source cannot say. A block that only the parent
   * holds is among them and reads as zeros, though `blocks` does not list it: what is not listed there is a hole.
   */
  changedSince(parent: string, range: BlockRange, signal: AbortSignal): Promise<AsyncIterable<BlockRef> | 'unrelated'>;
  /**
   * Exactly BLOCK_BYTES, verified against the source's SHA-256. They are the caller's alone, who may give them back. A
   * source that can reads them into `room` (BLOCK_BYTES, too) and resolves with it; once settled it leaves it alone.
   */
  read(ref: BlockRef, signal: AbortSignal, room?: Uint8Array): Promise<Uint8Array>;
  /**
   * The same bytes beside the SHA-256 that the source announces for them, compared by nobody yet: for whoever hashes the
   * block anyway. A source that announces nothing has no such method.
   */
  receive?(ref: BlockRef, signal: AbortSignal, room: Uint8Array): Promise<AnnouncedBlock>;
}

export interface AnnouncedBlock {
  readonly bytes: Uint8Array;
  /** 32 bytes; whether the block has this digest is still to be seen. */
  readonly sha256: Uint8Array;
}

/** Where a restored volume is written. */
export interface BlockSink {
  /** Repeatable for the same index and bytes, which are the caller's again once it has settled. */
  write(index: number, bytes: Uint8Array, sha256: Uint8Array, signal: AbortSignal): Promise<void>;
  /** `written` has every block, also those of earlier attempts; the sink proves them all before it resolves. */
  complete(written: WrittenBlocks, signal: AbortSignal): Promise<SinkResult>;
}

export interface SinkResult {
  /** What now holds the volume: a snapshot id, or a file's path. */
  readonly ref: string;
}
