import { ascii, asciiField, uuidBytes, viewOf } from './bytes.ts';
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts';
import { mustBe, mustBeWithin } from './must-be.ts';

/**
 * The frame of segments, maps, change sets and evidence (docs/vault-format.md 4.2), little-endian.
 *
 *   0   8  magic         by type
 *   8   2  version       1
 *   10  2  flags         0; a reader that does not know a bit must stop
 *   12  4  keyEpoch      at least 1
 *   16  4  sealedBytes   ciphertext and tag
 *   20  12 nonce
 *   32  …  ciphertext ‖ tag
 *
 * Additional data: header ‖ vaultId 16 ‖ runId 32 ‖ name 128, so an object cannot pass for another one.
 */
const HEADER_BYTES = 32;
const VERSION = 1;
export const FRAME_BYTES = HEADER_BYTES + TAG_BYTES;
export const RUN_ID_BYTES = 32;
const NAME_BYTES = 128;

export interface FrameType {
  /** Eight ASCII characters. */
  readonly magic: string;
  /** Bounds what a damaged or hostile object makes a reader hold. */
  readonly maxBytes: number;
}

/** Where a sealed object stands; part of what is authenticated. */
export interface FramePlace {
  readonly vaultId: string;
  readonly runId: string;
  /** Empty where the object's own content says what it is. */
  readonly name: string;
}

interface SealRequest {
  readonly key: Uint8Array;
  readonly keyEpoch: number;
  readonly nonce: Uint8Array;
}

export function sealObject(
  { magic, maxBytes }: FrameType,
  plain: Uint8Array,
  { place, seal }: { readonly place: FramePlace; readonly seal: SealRequest },
): Uint8Array {
  const sealedBytes = plain.length + TAG_BYTES;
  if (HEADER_BYTES + sealedBytes > maxBytes)
    throw new RangeError(`${magic.trim()} of ${sealedBytes} bytes is too large`);
  const object = new Uint8Array(HEADER_BYTES + sealedBytes);
  const view = viewOf(object);
  object.set(ascii(magic));
  view.setUint16(8, VERSION, true);
  view.setUint32(12, seal.keyEpoch, true);
  view.setUint32(16, sealedBytes, true);
  object.set(seal.nonce, 20);
  const aad = additionalData(object.subarray(0, HEADER_BYTES), place);
  object.set(gcmSeal({ key: seal.key, nonce: seal.nonce, aad }, plain), HEADER_BYTES);
  return object;
}

/** Any bytes give the sealed content or a FormatError. */
export function openObject(
  { magic, maxBytes }: FrameType,
  object: Uint8Array,
  { place, keyOf }: { readonly place: FramePlace; readonly keyOf: (epoch: number) => Uint8Array },
): Uint8Array {
  mustBeWithin('length', object.length, FRAME_BYTES, maxBytes);
  const view = viewOf(object);
  mustBe('magic', Buffer.from(object.subarray(0, 8)).toString('latin1'), magic);
  mustBe('version', view.getUint16(8, true), VERSION);
  mustBe('flags', view.getUint16(10, true), 0);
  mustBeWithin('keyEpoch', view.getUint32(12, true), 1, 2 ** 32 - 1);
  mustBe('sealedBytes', view.getUint32(16, true), object.length - HEADER_BYTES);
  const header = object.subarray(0, HEADER_BYTES);
  const input = {
    key: keyOf(view.getUint32(12, true)),
    nonce: object.subarray(HEADER_BYTES - NONCE_BYTES, HEADER_BYTES),
    aad: additionalData(header, place),
  };
  return gcmOpen(input, object.subarray(HEADER_BYTES));
}

function additionalData(header: Uint8Array, { vaultId, runId, name }: FramePlace): Uint8Array {
  return Buffer.concat([header, uuidBytes(vaultId), asciiField(runId, RUN_ID_BYTES), asciiField(name, NAME_BYTES)]);
}
