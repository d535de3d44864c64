import { ascii, viewOf } from './bytes.ts';
import { mustBe, mustBeWithin } from './must-be.ts';

/**
 * Last 24 bytes of a pack, little-endian. Readers of a lone pack start here: a suffix GET needs no size.
 *
 *   0   4  trailerBytes  145 … MAX_TRAILER_BYTES
 *   4   2  version       1
 *   6   2  flags         0; a reader that does not know a bit must stop
 *   8   4  keyEpoch      which roots sealed the pack
 *   12  4  reserved      0
 *   16  8  magic         "USPACK1\n"; the newline shows a text-mode copy
 */
export const PACK_TAIL_BYTES = 24;
export const PACK_MAGIC = 'USPACK1\n';
const VERSION = 1;
/** A header of 72 bytes, one entry of 45, nonce and tag. */
export const MIN_TRAILER_BYTES = 145;
/** 65,536 entries of 45 bytes, rounded up: bounds what a damaged tail makes a reader allocate. */
export const MAX_TRAILER_BYTES = 3 << 20;

export interface PackTail {
  readonly trailerBytes: number;
  readonly keyEpoch: number;
}

export function encodePackTail({ trailerBytes, keyEpoch }: PackTail): Uint8Array {
  const bytes = new Uint8Array(PACK_TAIL_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, trailerBytes, true);
  view.setUint16(4, VERSION, true);
  view.setUint32(8, keyEpoch, true);
  bytes.set(ascii(PACK_MAGIC), 16);
  return bytes;
}

/** Any bytes give a valid tail or a FormatError. */
export function decodePackTail(bytes: Uint8Array): PackTail {
  mustBe('length', bytes.length, PACK_TAIL_BYTES);
  const view = viewOf(bytes);
  mustBe('magic', Buffer.from(bytes.subarray(16)).toString('latin1'), PACK_MAGIC);
  mustBe('version', view.getUint16(4, true), VERSION);
  mustBe('flags', view.getUint16(6, true), 0);
  mustBe('reserved', view.getUint32(12, true), 0);
  const trailerBytes = view.getUint32(0, true);
  mustBeWithin('trailerBytes', trailerBytes, MIN_TRAILER_BYTES, MAX_TRAILER_BYTES);
  const keyEpoch = view.getUint32(8, true);
  mustBeWithin('keyEpoch', keyEpoch, 1, 2 ** 32 - 1);
  return { trailerBytes, keyEpoch };
}
