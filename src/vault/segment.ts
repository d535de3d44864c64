import { FormatError } from '../errors.ts';
import { asciiField, fromHex, hex, viewOf } from './bytes.ts';
import { readRunId } from './id-fields.ts';
import { mustBe, mustBeWithin } from './must-be.ts';
import { PACK_TAIL_BYTES } from './pack-tail.ts';
import { PACK_HEAD_BYTES } from './pack-trailer.ts';
import { MAX_PACK_BYTES, SEGMENT_BLOCKS } from './parameters.ts';
import { BLOCK_ID_BYTES, MAX_SEALED_BLOCK_BYTES, MIN_SEALED_BLOCK_BYTES, ZSTD } from './sealed-block.ts';
import { type FrameType, RUN_ID_BYTES } from './sealed-object.ts';

/**
 * Where the stored blocks of 4 GiB are (docs/vault-format.md 4.3), little-endian, before sealing.
 *
 *   0      4     segmentIndex
 *   4      4     blocks         1 … 8192
 *   8      4     storedBlocks   n
 *   12     2     packs          p
 *   14     2     reserved       0
 *   16     1024  presence       bit i, least significant first: block i is stored
 *   1040   72 p  pack table     runId 32 ‖ packId 32 ‖ keyEpoch 4 ‖ packBytes 4
 *   …      2 n   packRef   … 4 n  offset   … 4 n  sealedBytes | codec << 24   … 32 n  blockId
 */
export const SEGMENT_FRAME: FrameType = { magic: 'USSEGM1\n', maxBytes: 1 << 20 };
const PRESENCE_AT = 16;
const PACKS_AT = PRESENCE_AT + SEGMENT_BLOCKS / 8;
const PACK_BYTES = RUN_ID_BYTES + 40;
const ENTRY_BYTES = 2 + 4 + 4 + BLOCK_ID_BYTES;
const CODEC_SHIFT = 24;
const SEALED_MASK = 0xff_ffff;

export interface SegmentPack {
  readonly runId: string;
  readonly packId: string;
  readonly keyEpoch: number;
  readonly packBytes: number;
}

export interface SegmentEntry {
  /** Within the segment: 0 … 8191. */
  readonly position: number;
  /** Index into `packs`. */
  readonly pack: number;
  readonly offset: number;
  readonly sealedBytes: number;
  readonly codec: number;
  readonly blockId: Uint8Array;
}

export interface Segment {
  readonly segmentIndex: number;
  readonly blocks: number;
  readonly packs: readonly SegmentPack[];
  /** Stored blocks, ascending by position; the others are holes. */
  readonly entries: readonly SegmentEntry[];
}

export function encodeSegment({ segmentIndex, blocks, packs, entries }: Segment): Uint8Array {
  const n = entries.length;
  const bytes = new Uint8Array(PACKS_AT + packs.length * PACK_BYTES + n * ENTRY_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, segmentIndex, true);
  view.setUint32(4, blocks, true);
  view.setUint32(8, n, true);
  view.setUint16(12, packs.length, true);
  for (const [at, pack] of packs.entries()) {
    const offset = PACKS_AT + at * PACK_BYTES;
    bytes.set(asciiField(pack.runId, RUN_ID_BYTES), offset);
    bytes.set(fromHex(pack.packId), offset + 32);
    view.setUint32(offset + 64, pack.keyEpoch, true);
    view.setUint32(offset + 68, pack.packBytes, true);
  }
  const at = columns(packs.length, n);
  for (const [i, entry] of entries.entries()) {
    const presence = PRESENCE_AT + (entry.position >> 3);
    view.setUint8(presence, view.getUint8(presence) | (1 << (entry.position & 7)));
    view.setUint16(at.pack + i * 2, entry.pack, true);
    view.setUint32(at.offset + i * 4, entry.offset, true);
    view.setUint32(at.sealed + i * 4, entry.sealedBytes + entry.codec * 2 ** CODEC_SHIFT, true);
    bytes.set(entry.blockId, at.blockId + i * BLOCK_ID_BYTES);
  }
  return bytes;
}

function columns(packs: number, n: number) {
  const pack = PACKS_AT + packs * PACK_BYTES;
  const offset = pack + n * 2;
  const sealed = offset + n * 4;
  return { pack, offset, sealed, blockId: sealed + n * 4 };
}

/** Any bytes give a valid segment or a FormatError. */
export function decodeSegment(bytes: Uint8Array): Segment {
  mustBeWithin('length', bytes.length, PACKS_AT, SEGMENT_FRAME.maxBytes);
  const view = viewOf(bytes);
  const blocks = view.getUint32(4, true);
  mustBeWithin('blocks', blocks, 1, SEGMENT_BLOCKS);
  const n = view.getUint32(8, true);
  mustBeWithin('storedBlocks', n, 1, blocks);
  const packCount = view.getUint16(12, true);
  mustBeWithin('packs', packCount, 1, n);
  mustBe('reserved', view.getUint16(14, true), 0);
  mustBe('length', bytes.length, PACKS_AT + packCount * PACK_BYTES + n * ENTRY_BYTES);
  const packs = decodePacks(bytes, packCount);
  const positions = decodePresence(bytes.subarray(PRESENCE_AT, PACKS_AT), blocks);
  mustBe('blocks present', positions.length, n);
  const entries = positions.map((position, i) => decodeEntry(bytes, { position, i, packs, n }));
  mustBe('packs in use', new Set(entries.map(({ pack }) => pack)).size, packCount);
  return { segmentIndex: view.getUint32(0, true), blocks, packs, entries };
}

function decodePacks(bytes: Uint8Array, count: number): SegmentPack[] {
  const packs: SegmentPack[] = [];
  for (let i = 0; i < count; i++) {
    const offset = PACKS_AT + i * PACK_BYTES;
    const view = viewOf(bytes.subarray(offset, offset + PACK_BYTES));
    const runId = readRunId('pack runId', bytes.subarray(offset, offset + RUN_ID_BYTES));
    const keyEpoch = view.getUint32(64, true);
    mustBeWithin('pack keyEpoch', keyEpoch, 1, 2 ** 32 - 1);
    const packBytes = view.getUint32(68, true);
    mustBeWithin('packBytes', packBytes, PACK_HEAD_BYTES + PACK_TAIL_BYTES, MAX_PACK_BYTES);
    packs.push({ runId, packId: hex(bytes.subarray(offset + 32, offset + 64)), keyEpoch, packBytes });
  }
  mustBe('different packs', new Set(packs.map(({ runId, packId }) => `${runId} ${packId}`)).size, count);
  return packs;
}

function decodePresence(bitmap: Uint8Array, blocks: number): number[] {
  const positions: number[] = [];
  const view = viewOf(bitmap);
  for (let position = 0; position < SEGMENT_BLOCKS; position++) {
    if (((view.getUint8(position >> 3) >> (position & 7)) & 1) === 0) continue;
    mustBeWithin('block present', position, 0, blocks - 1);
    positions.push(position);
  }
  return positions;
}

function decodeEntry(
  bytes: Uint8Array,
  { position, i, packs, n }: { position: number; i: number; packs: readonly SegmentPack[]; n: number },
): SegmentEntry {
  const view = viewOf(bytes);
  const at = columns(packs.length, n);
  const pack = view.getUint16(at.pack + i * 2, true);
  const found = packs[pack];
  if (!found) throw new FormatError(`block ${position} names pack ${pack} of ${packs.length}`);
  const offset = view.getUint32(at.offset + i * 4, true);
  const sealed = view.getUint32(at.sealed + i * 4, true);
  const sealedBytes = sealed & SEALED_MASK;
  const codec = sealed >>> CODEC_SHIFT;
  mustBeWithin('sealedBytes', sealedBytes, MIN_SEALED_BLOCK_BYTES, MAX_SEALED_BLOCK_BYTES);
  mustBeWithin('codec', codec, 0, ZSTD);
  mustBeWithin('offset', offset, PACK_HEAD_BYTES, found.packBytes - PACK_TAIL_BYTES - sealedBytes);
  // A copy: a message to a thread that holds a view carries all of the segment, and `slice` of a Buffer is a view.
  const blockId = new Uint8Array(
    bytes.subarray(at.blockId + i * BLOCK_ID_BYTES, at.blockId + (i + 1) * BLOCK_ID_BYTES),
  );
  return { position, pack, offset, sealedBytes, codec, blockId };
}
