import { FormatError } from '../errors.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { asciiField, fromHex, hex, viewOf } from './bytes.ts';
import { readRunId, readVolumeId } from './id-fields.ts';
import { mustBe, mustBeWithin } from './must-be.ts';
import { VOLUME_ID_BYTES } from './pack-trailer.ts';
import { countBlocks, countSegments, MAX_PACK_BYTES, MAX_VOLUME_BYTES, SEGMENT_BLOCKS } from './parameters.ts';
import { type FrameType, RUN_ID_BYTES } from './sealed-object.ts';
import { SEGMENT_FRAME } from './segment.ts';

/**
 * One volume at one point (docs/vault-format.md 4.4), little-endian, before sealing.
 *
 *   0    64    volumeId       ASCII
 *   64   8     volumeBytes
 *   72   4     blockBytes     524288
 *   76   4     segments       s
 *   80   8     storedBlocks
 *   88   8     storedBytes
 *   96   32    volumeDigest
 *   128  4     packs          p
 *   132  4     reserved       0
 *   136  72 s  segment table  runId 32 ‖ segmentId 32 ‖ segmentBytes 4 ‖ storedBlocks 4; zeros = holes only
 *   …    80 p  pack set       runId 32 ‖ packId 32 ‖ packBytes 4 ‖ keyEpoch 4 ‖ retainUntil 8; ascending by packId
 */
export const MAP_FRAME: FrameType = { magic: 'USMAP01\n', maxBytes: 1 << 30 };
const HEAD_BYTES = 136;
const SEGMENT_BYTES = RUN_ID_BYTES + 40;
const PACK_BYTES = RUN_ID_BYTES + 48;

export interface MapSegment {
  readonly runId: string;
  readonly segmentId: string;
  readonly segmentBytes: number;
  readonly storedBlocks: number;
}

export interface MapPack {
  readonly runId: string;
  readonly packId: string;
  readonly packBytes: number;
  readonly keyEpoch: number;
  /** Unix seconds; 0 = not locked. */
  readonly retainUntil: number;
}

export interface VolumeMap {
  readonly volumeId: string;
  readonly volumeBytes: number;
  readonly storedBlocks: number;
  readonly storedBytes: number;
  readonly volumeDigest: string;
  /** One per 4 GiB; null where all is holes. */
  readonly segments: readonly (MapSegment | null)[];
  readonly packs: readonly MapPack[];
}

export function encodeVolumeMap(map: VolumeMap): Uint8Array {
  const packsAt = HEAD_BYTES + map.segments.length * SEGMENT_BYTES;
  const bytes = new Uint8Array(packsAt + map.packs.length * PACK_BYTES);
  const view = viewOf(bytes);
  bytes.set(asciiField(map.volumeId, VOLUME_ID_BYTES));
  view.setBigUint64(64, BigInt(map.volumeBytes), true);
  view.setUint32(72, BLOCK_BYTES, true);
  view.setUint32(76, map.segments.length, true);
  view.setBigUint64(80, BigInt(map.storedBlocks), true);
  view.setBigUint64(88, BigInt(map.storedBytes), true);
  bytes.set(fromHex(map.volumeDigest), 96);
  view.setUint32(128, map.packs.length, true);
  for (const [i, segment] of map.segments.entries()) {
    if (segment) encodeMapSegment(bytes.subarray(HEAD_BYTES + i * SEGMENT_BYTES), segment);
  }
  for (const [i, pack] of map.packs.entries()) encodeMapPack(bytes.subarray(packsAt + i * PACK_BYTES), pack);
  return bytes;
}

function encodeMapSegment(bytes: Uint8Array, { runId, segmentId, segmentBytes, storedBlocks }: MapSegment): void {
  bytes.set(asciiField(runId, RUN_ID_BYTES));
  bytes.set(fromHex(segmentId), 32);
  viewOf(bytes).setUint32(64, segmentBytes, true);
  viewOf(bytes).setUint32(68, storedBlocks, true);
}

function encodeMapPack(bytes: Uint8Array, { runId, packId, packBytes, keyEpoch, retainUntil }: MapPack): void {
  bytes.set(asciiField(runId, RUN_ID_BYTES));
  bytes.set(fromHex(packId), 32);
  viewOf(bytes).setUint32(64, packBytes, true);
  viewOf(bytes).setUint32(68, keyEpoch, true);
  viewOf(bytes).setBigUint64(72, BigInt(retainUntil), true);
}

/** Any bytes give a valid map or a FormatError. */
export function decodeVolumeMap(bytes: Uint8Array): VolumeMap {
  mustBeWithin('length', bytes.length, HEAD_BYTES, MAP_FRAME.maxBytes);
  const view = viewOf(bytes);
  const volumeBytes = readSafe('volumeBytes', view, 64);
  mustBeWithin('volumeBytes', volumeBytes, 1, MAX_VOLUME_BYTES);
  mustBe('blockBytes', view.getUint32(72, true), BLOCK_BYTES);
  const segmentCount = view.getUint32(76, true);
  mustBe('segments', segmentCount, countSegments(volumeBytes));
  const packCount = view.getUint32(128, true);
  mustBe('reserved', view.getUint32(132, true), 0);
  const packsAt = HEAD_BYTES + segmentCount * SEGMENT_BYTES;
  mustBe('length', bytes.length, packsAt + packCount * PACK_BYTES);
  const segments = tableRows(bytes.subarray(HEAD_BYTES, packsAt), SEGMENT_BYTES).map(decodeMapSegment);
  const packs = tableRows(bytes.subarray(packsAt), PACK_BYTES).map(decodeMapPack);
  mustAscend(packs);
  const storedBlocks = readSafe('storedBlocks', view, 80);
  mustBeWithin('storedBlocks', storedBlocks, 0, countBlocks(volumeBytes));
  mustBe(
    'storedBlocks',
    segments.reduce((sum, segment) => sum + (segment?.storedBlocks ?? 0), 0),
    storedBlocks,
  );
  return {
    volumeId: readVolumeId('volumeId', bytes.subarray(0, VOLUME_ID_BYTES)),
    volumeBytes,
    storedBlocks,
    storedBytes: readSafe('storedBytes', view, 88),
    volumeDigest: hex(bytes.subarray(96, 128)),
    segments,
    packs,
  };
}

function readSafe(field: string, view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`${field} is ${value}, beyond 2^53`);
  return Number(value);
}

function tableRows(table: Uint8Array, rowBytes: number): Uint8Array[] {
  const rows: Uint8Array[] = [];
  for (let at = 0; at < table.length; at += rowBytes) rows.push(table.subarray(at, at + rowBytes));
  return rows;
}

function decodeMapSegment(row: Uint8Array): MapSegment | null {
  if (row.every((byte) => byte === 0)) return null;
  const view = viewOf(row);
  const segmentBytes = view.getUint32(64, true);
  mustBeWithin('segmentBytes', segmentBytes, 1, SEGMENT_FRAME.maxBytes);
  const storedBlocks = view.getUint32(68, true);
  mustBeWithin('storedBlocks of a segment', storedBlocks, 1, SEGMENT_BLOCKS);
  const runId = readRunId('segment runId', row.subarray(0, 32));
  return { runId, segmentId: hex(row.subarray(32, 64)), segmentBytes, storedBlocks };
}

function decodeMapPack(row: Uint8Array): MapPack {
  const view = viewOf(row);
  const packBytes = view.getUint32(64, true);
  mustBeWithin('packBytes', packBytes, 1, MAX_PACK_BYTES);
  const keyEpoch = view.getUint32(68, true);
  mustBeWithin('pack keyEpoch', keyEpoch, 1, 2 ** 32 - 1);
  const retainUntil = readSafe('retainUntil', view, 72);
  const runId = readRunId('pack runId', row.subarray(0, 32));
  return { runId, packId: hex(row.subarray(32, 64)), packBytes, keyEpoch, retainUntil };
}

function mustAscend(packs: readonly MapPack[]): void {
  for (const [i, pack] of packs.entries()) {
    const before = packs[i - 1];
    if (before && before.packId >= pack.packId) throw new FormatError(`pack ${pack.packId} follows ${before.packId}`);
  }
}
