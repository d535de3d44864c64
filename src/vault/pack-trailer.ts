import { FormatError } from '../errors.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { ascii, asciiField, uuidBytes, viewOf } from './bytes.ts';
import { gcmOpen, gcmSeal, NONCE_BYTES, SEAL_BYTES } from './gcm.ts';
import { readVolumeId } from './id-fields.ts';
import { mustBe, mustBeWithin } from './must-be.ts';
import { encodePackTail, PACK_MAGIC, type PackTail } from './pack-tail.ts';
import { BLOCK_ID_BYTES, MAX_SEALED_BLOCK_BYTES, MIN_SEALED_BLOCK_BYTES, ZSTD } from './sealed-block.ts';
import { RUN_ID_BYTES } from './sealed-object.ts';

/**
 * What is in a pack, little-endian, sealed (docs/vault-format.md 4.1).
 *
 *   0   4   entries      1 … 65,536
 *   4   4   blockBytes   524288
 *   8   64  volumeId     ASCII
 *   72  45  entry        blockIndex 4 ‖ offset 4 ‖ sealedBytes 4 ‖ codec 1 ‖ blockId 32; back to back from offset 8
 */
const HEAD_BYTES = 72;
const ENTRY_BYTES = 45;
export const VOLUME_ID_BYTES = 64;
export const PACK_HEAD_BYTES = 8;
/** 64 MiB of blocks sealed to 1 KiB each. */
const MAX_ENTRIES = 65_536;

export interface PackEntry {
  readonly blockIndex: number;
  readonly offset: number;
  readonly sealedBytes: number;
  readonly codec: number;
  readonly blockId: Uint8Array;
}

export interface PackTrailer {
  readonly volumeId: string;
  readonly entries: readonly PackEntry[];
}

/** Bytes a pack needs after its blocks when it holds so many. */
export function trailerAndTailBytes(entries: number): number {
  return SEAL_BYTES + HEAD_BYTES + entries * ENTRY_BYTES + 24;
}

export function encodePackTrailer({ volumeId, entries }: PackTrailer): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + entries.length * ENTRY_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, entries.length, true);
  view.setUint32(4, BLOCK_BYTES, true);
  bytes.set(asciiField(volumeId, VOLUME_ID_BYTES), 8);
  for (const [at, entry] of entries.entries()) {
    const offset = HEAD_BYTES + at * ENTRY_BYTES;
    view.setUint32(offset, entry.blockIndex, true);
    view.setUint32(offset + 4, entry.offset, true);
    view.setUint32(offset + 8, entry.sealedBytes, true);
    bytes[offset + 12] = entry.codec;
    bytes.set(entry.blockId, offset + 13);
  }
  return bytes;
}

/** Any bytes give a valid trailer or a FormatError. */
export function decodePackTrailer(bytes: Uint8Array): PackTrailer {
  mustBeWithin('length', bytes.length, HEAD_BYTES + ENTRY_BYTES, HEAD_BYTES + MAX_ENTRIES * ENTRY_BYTES);
  const view = viewOf(bytes);
  const count = view.getUint32(0, true);
  mustBe('length', bytes.length, HEAD_BYTES + count * ENTRY_BYTES);
  mustBe('blockBytes', view.getUint32(4, true), BLOCK_BYTES);
  const volumeId = readVolumeId('volumeId', bytes.subarray(8, HEAD_BYTES));
  const entries: PackEntry[] = [];
  let nextOffset = PACK_HEAD_BYTES;
  let previousIndex = -1;
  for (let offset = HEAD_BYTES; offset < bytes.length; offset += ENTRY_BYTES) {
    const entry = decodeEntry(bytes.subarray(offset, offset + ENTRY_BYTES));
    mustBe('offset', entry.offset, nextOffset);
    if (entry.blockIndex <= previousIndex) throw new FormatError(`block ${entry.blockIndex} follows ${previousIndex}`);
    nextOffset += entry.sealedBytes;
    previousIndex = entry.blockIndex;
    entries.push(entry);
  }
  return { volumeId, entries };
}

function decodeEntry(bytes: Uint8Array): PackEntry {
  const view = viewOf(bytes);
  const sealedBytes = view.getUint32(8, true);
  mustBeWithin('sealedBytes', sealedBytes, MIN_SEALED_BLOCK_BYTES, MAX_SEALED_BLOCK_BYTES);
  const codec = view.getUint8(12);
  mustBeWithin('codec', codec, 0, ZSTD);
  return {
    blockIndex: view.getUint32(0, true),
    offset: view.getUint32(4, true),
    sealedBytes,
    codec,
    blockId: new Uint8Array(bytes.subarray(13, 13 + BLOCK_ID_BYTES)), // a copy, as in a segment
  };
}

interface TrailerPlace {
  readonly vaultId: string;
  readonly runId: string;
}

/** Sealed trailer ‖ tail: what follows the blocks. */
export function sealPackTrailer(
  trailer: PackTrailer,
  { place, seal }: { place: TrailerPlace; seal: { key: Uint8Array; nonce: Uint8Array; keyEpoch: number } },
): Uint8Array {
  const plain = encodePackTrailer(trailer);
  const tail = encodePackTail({ trailerBytes: plain.length + SEAL_BYTES, keyEpoch: seal.keyEpoch });
  const aad = trailerAad(tail, place);
  return Buffer.concat([seal.nonce, gcmSeal({ key: seal.key, nonce: seal.nonce, aad }, plain), tail]);
}

/** `sealed` is what the tail says precedes it. */
export function openPackTrailer(
  sealed: Uint8Array,
  { place, tail, key }: { place: TrailerPlace; tail: PackTail; key: Uint8Array },
): PackTrailer {
  mustBe('trailer', sealed.length, tail.trailerBytes);
  const aad = trailerAad(encodePackTail(tail), place);
  const input = { key, nonce: sealed.subarray(0, NONCE_BYTES), aad };
  return decodePackTrailer(gcmOpen(input, sealed.subarray(NONCE_BYTES)));
}

function trailerAad(tail: Uint8Array, { vaultId, runId }: TrailerPlace): Uint8Array {
  return Buffer.concat([ascii(PACK_MAGIC), uuidBytes(vaultId), asciiField(runId, RUN_ID_BYTES), tail]);
}
