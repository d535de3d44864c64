import type { Hash } from 'node:crypto';
import { BLOCK_ID_BYTES } from './sealed-block.ts';

const HOLE_ID = new Uint8Array(BLOCK_ID_BYTES);

/** Adds one segment's block ids in order, 32 zero bytes for each hole. */
export function addToDigest(
  digest: Hash,
  entries: readonly { readonly position: number; readonly blockId: Uint8Array }[],
  blocks: number,
): void {
  let position = 0;
  for (const entry of entries) {
    for (; position < entry.position; position++) digest.update(HOLE_ID);
    digest.update(entry.blockId);
    position++;
  }
  for (; position < blocks; position++) digest.update(HOLE_ID);
}
