import { BLOCK_BYTES } from './block-source.ts';
import { viewOf } from './bytes.ts';
import { mustBe, mustBeWithin } from './must-be.ts';
import { countBlocks, MAX_VOLUME_BYTES } from './parameters.ts';
import type { FrameType } from './sealed-object.ts';

/**
 * Which blocks differ between capture and clone (docs/vault-format.md 4.5), little-endian, before sealing.
 *
 *   0   8  volumeBytes
 *   8   4  blocks
 *   12  4  changedBlocks
 *   16  …  bitmap, least significant bit first
 */
export const CHANGE_SET_FRAME: FrameType = { magic: 'USCHNG1\n', maxBytes: 128 << 20 };
const HEAD_BYTES = 16;

export interface ChangeSetContent {
  readonly volumeBytes: number;
  readonly changedBlocks: number;
  /** One bit per block; none set beyond the volume. */
  readonly bitmap: Uint8Array;
}

export function encodeChangeSet({ volumeBytes, changedBlocks, bitmap }: ChangeSetContent): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + bitmap.length);
  const view = viewOf(bytes);
  view.setBigUint64(0, BigInt(volumeBytes), true);
  view.setUint32(8, countBlocks(volumeBytes), true);
  view.setUint32(12, changedBlocks, true);
  bytes.set(bitmap, HEAD_BYTES);
  return bytes;
}

/** Any bytes give a valid change set or a FormatError. */
export function decodeChangeSet(bytes: Uint8Array): ChangeSetContent {
  mustBeWithin('length', bytes.length, HEAD_BYTES + 1, CHANGE_SET_FRAME.maxBytes);
  const view = viewOf(bytes);
  const volumeBytes = Number(view.getBigUint64(0, true));
  mustBeWithin('volumeBytes', volumeBytes, 1, MAX_VOLUME_BYTES);
  const blocks = view.getUint32(8, true);
  mustBe('blocks', blocks, Math.ceil(volumeBytes / BLOCK_BYTES));
  mustBe('length', bytes.length, HEAD_BYTES + Math.ceil(blocks / 8));
  const bitmap = bytes.slice(HEAD_BYTES);
  const spare = bitmap.length * 8 - blocks;
  mustBe('bits beyond the volume', viewOf(bitmap).getUint8(bitmap.length - 1) >> (8 - spare), 0);
  const changedBlocks = view.getUint32(12, true);
  mustBe('changedBlocks', changedBlocks, countBits(bitmap));
  return { volumeBytes, changedBlocks, bitmap };
}

function countBits(bitmap: Uint8Array): number {
  let count = 0;
  for (let byte of bitmap) for (; byte > 0; byte &= byte - 1) count++;
  return count;
}
