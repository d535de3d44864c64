import { createHmac, createSecretKey } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { FormatError } from '../errors.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { ascii, copyInto, free, hex, sameBytes, sha256Of, uuidBytes } from './bytes.ts';
import { gcmOpen, gcmSealInto, NONCE_BYTES, SEAL_BYTES } from './gcm.ts';
import { mustBe, mustBeWithin } from './must-be.ts';
import { PACK_MAGIC } from './pack-tail.ts';

/** docs/vault-format.md 4.1. */
export const STORED = 0;
export const ZSTD = 1;
export const BLOCK_ID_BYTES = 32;
/** Nonce, one byte, tag. */
export const MIN_SEALED_BLOCK_BYTES = SEAL_BYTES + 1;
export const MAX_SEALED_BLOCK_BYTES = BLOCK_BYTES + SEAL_BYTES;

// A frame that saves less than 3 % costs more at every restore than it saves.
const LARGEST_FRAME_BYTES = Math.floor(BLOCK_BYTES * 0.97);
// One buffer for the whole frame: the default of 16 KiB pieces costs 32 allocations and a copy.
const FRAME_ROOM_BYTES = BLOCK_BYTES + (BLOCK_BYTES >> 8) + 64;
// Level 1: ~145 MiB/s per core on executables at a ratio of 0.39; level 3 gives 0.35 at ~100 MiB/s.
export const COMPRESSION = { chunkSize: FRAME_ROOM_BYTES, params: { [constants.ZSTD_c_compressionLevel]: 1 } };

// With room for exactly a block, Node makes a second buffer to see that nothing follows: 15 % slower.
const DECOMPRESSION = { maxOutputLength: BLOCK_BYTES, chunkSize: BLOCK_BYTES + 64 };

/** What sealing blocks needs: keys of one vault and, for `block`, one epoch. */
export interface BlockKeys {
  readonly vaultId: string;
  /** Derived `block`, of the pack's epoch. */
  readonly block: Uint8Array;
  /** Derived `block-id`, of epoch 1. */
  readonly blockId: Uint8Array;
}

export interface SealedBlock {
  readonly blockId: Uint8Array;
  readonly codec: number;
  /** nonce ‖ ciphertext ‖ tag */
  readonly sealed: Uint8Array;
}

export interface BlockPayload {
  readonly codec: number;
  readonly payload: Uint8Array;
}

function compressBlock(block: Uint8Array): BlockPayload {
  const frame = zstdCompressSync(block, COMPRESSION);
  if (frame.length <= LARGEST_FRAME_BYTES) return { codec: ZSTD, payload: frame };
  free(frame);
  return { codec: STORED, payload: block };
}

/** Equal blocks of one vault have equal ids, whatever epoch sealed them. */
export function blockIdOf(block: Uint8Array, keys: Pick<BlockKeys, 'blockId'>): Uint8Array {
  return blockIdFrom(sha256Of(block), keys);
}

/** Of the block that has this SHA-256. */
export function blockIdFrom(sha256: Uint8Array, keys: Pick<BlockKeys, 'blockId'>): Uint8Array {
  return hmacSha256(keys.blockId, sha256);
}

export interface SealInto {
  readonly keys: BlockKeys;
  readonly nonce: Uint8Array;
  /** Where the sealed block goes; it may hold the block itself. */
  readonly room: Uint8Array;
}

export interface NewlySealed extends SealedBlock {
  /** Of the block. */
  readonly sha256: Uint8Array;
}

/** Seals a block. It is not proven: `sealProven`, or open the result before relying on it. */
export function sealBlock(block: Uint8Array, into: SealInto): NewlySealed {
  const sha256 = sha256Of(block);
  const { codec, payload } = compressBlock(block);
  const sealed = sealPayload({ codec, payload }, blockIdFrom(sha256, into.keys), into);
  if (codec === ZSTD) free(payload);
  return { ...sealed, sha256 };
}

/**
 * Seals a block and proves that it opens to that very block, or throws a FormatError: bad memory, or a compressor that
 * fails, shows here and not at a restore. Hashing costs as much as decompressing and opening together, so it is done once,
 * of what the compressed bytes give. That this is the block, and that the sealed bytes give the compressed ones, is compared.
 */
export function sealProven(block: Uint8Array, into: SealInto): NewlySealed {
  const { codec, payload } = compressBlock(block);
  const given = codec === ZSTD ? decompressBlock(payload) : copyOf(payload);
  const sha256 = sha256Of(given);
  if (!sameBytes(given, block)) throw new FormatError('its compressed bytes give others');
  const sealed = sealPayload({ codec, payload }, blockIdFrom(sha256, into.keys), into);
  const opened = openPayload(sealed, into.keys);
  // A block that is stored as it is may have been sealed in its own place; then it stands in its copy alone.
  if (!sameBytes(opened, codec === ZSTD ? payload : given)) throw new FormatError('its sealed bytes give others');
  if (codec === ZSTD) free(payload);
  free(given);
  free(opened);
  return { ...sealed, sha256 };
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copyInto(copy, bytes);
  return copy;
}

function sealPayload(
  { codec, payload }: BlockPayload,
  blockId: Uint8Array,
  { keys, nonce, room }: SealInto,
): SealedBlock {
  const input = { key: hmacSha256(keys.block, blockId), nonce, aad: blockAad(keys.vaultId, blockId, codec) };
  return { blockId, codec, sealed: gcmSealInto(room, input, payload) };
}

export interface OpenedBlock {
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
}

/** Any bytes give the very block that `blockId` names, or a FormatError. */
export function openBlock(sealed: SealedBlock, keys: BlockKeys): OpenedBlock {
  const { blockId, codec } = sealed;
  const payload = openPayload(sealed, keys);
  const bytes = codec === ZSTD ? decompressBlock(payload) : payload;
  if (codec === ZSTD) free(payload);
  mustBe('block', bytes.length, BLOCK_BYTES);
  const sha256 = sha256Of(bytes);
  if (!sameBytes(blockIdFrom(sha256, keys), blockId)) {
    throw new FormatError(`block content does not match its id ${hex(blockId)}`);
  }
  return { bytes, sha256 };
}

function openPayload({ blockId, codec, sealed }: SealedBlock, keys: BlockKeys): Uint8Array {
  mustBeWithin('sealed block', sealed.length, MIN_SEALED_BLOCK_BYTES, MAX_SEALED_BLOCK_BYTES);
  const key = hmacSha256(keys.block, blockId);
  const aad = blockAad(keys.vaultId, blockId, codec);
  return gcmOpen({ key, nonce: sealed.subarray(0, NONCE_BYTES), aad }, sealed.subarray(NONCE_BYTES));
}

function decompressBlock(frame: Uint8Array): Uint8Array {
  try {
    return zstdDecompressSync(frame, DECOMPRESSION);
  } catch (cause) {
    throw new FormatError('block is not one zstd frame of a block', { cause });
  }
}

function blockAad(vaultId: string, blockId: Uint8Array, codec: number): Uint8Array {
  const sizes = Buffer.alloc(5);
  sizes.writeUInt32LE(BLOCK_BYTES, 0);
  sizes[4] = codec;
  return Buffer.concat([ascii(PACK_MAGIC), uuidBytes(vaultId), blockId, sizes]);
}

function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha256', createSecretKey(key)).update(message).digest();
}
