import { BLOCK_BYTES } from './block-source.ts';
import { SEAL_BYTES } from './gcm.ts';

/** 2 MiB per job: large enough that handing over costs nothing (100 messages a second), small enough to keep many. */
export const BATCH_BLOCKS = 4;

/**
 * A batch is sealed in its place: blocks in, sealed blocks out, back to back from the start. The blocks stand behind the
 * room that sealing adds to all of them, so a sealed block, at most `SEAL_BYTES` longer, never reaches the next block.
 */
const HEAD_BYTES = BATCH_BLOCKS * SEAL_BYTES;
const BATCH_BYTES = HEAD_BYTES + BATCH_BLOCKS * BLOCK_BYTES;

export function makeBatch(): SharedArrayBuffer {
  return new SharedArrayBuffer(BATCH_BYTES);
}

/** Where block `i` of a batch stands before it is sealed. */
export function placeOf(batch: SharedArrayBuffer, i: number): Uint8Array {
  return new Uint8Array(batch, HEAD_BYTES + i * BLOCK_BYTES, BLOCK_BYTES);
}
