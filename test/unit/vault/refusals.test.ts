import { createHmac } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { asciiField, readAsciiField, uuidBytes } from '../../../src/vault/bytes.ts';
import { decodeChangeSet, encodeChangeSet } from '../../../src/vault/change-set.ts';
import { decodeEvidence, encodeEvidence } from '../../../src/vault/evidence-content.ts';
import { gcmOpen, gcmSeal } from '../../../src/vault/gcm.ts';
import { naming } from '../../../src/vault/must-be.ts';
import { decodePackTail, encodePackTail } from '../../../src/vault/pack-tail.ts';
import { decodePackTrailer, encodePackTrailer } from '../../../src/vault/pack-trailer.ts';
import { blockIdOf, openBlock } from '../../../src/vault/sealed-block.ts';
import { openObject, sealObject } from '../../../src/vault/sealed-object.ts';
import { decodeSegment, encodeSegment, SEGMENT_FRAME } from '../../../src/vault/segment.ts';
import { decodeVolumeMap, encodeVolumeMap } from '../../../src/vault/volume-map.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, text } from '../../support/vault-volume.ts';

const RUN_ID = '20261123T023107Z-9f2c0001';
const ID = (byte: string) => byte.repeat(64);
const blockId = seededBytes('id')(32);

const TAIL = encodePackTail({ trailerBytes: 145, keyEpoch: 1 });
const entry = { blockIndex: 3, offset: 8, sealedBytes: 100, codec: 1, blockId };
const TRAILER = encodePackTrailer({
  volumeId: 'vol-1',
  entries: [entry, { ...entry, blockIndex: 4, offset: 108 }],
});
const pack = { runId: RUN_ID, packId: ID('a'), keyEpoch: 1, packBytes: 1000 };
const stored = { position: 0, pack: 0, offset: 8, sealedBytes: 100, codec: 0, blockId };
const SEGMENT = encodeSegment({
  segmentIndex: 0,
  blocks: 10,
  packs: [pack, { ...pack, packId: ID('b') }],
  entries: [stored, { ...stored, position: 9, pack: 1 }],
});
const SEGMENT_ENTRIES = 1040 + 2 * 72;
const MAP = encodeVolumeMap({
  volumeId: 'vol-1',
  volumeBytes: 8193 * BLOCK_BYTES,
  storedBlocks: 1,
  storedBytes: 100,
  volumeDigest: ID('c'),
  segments: [{ runId: RUN_ID, segmentId: ID('d'), segmentBytes: 100, storedBlocks: 1 }, null],
  packs: [
    { ...pack, retainUntil: 0 },
    { ...pack, packId: ID('b'), retainUntil: 5 },
  ],
});
const MAP_PACKS = 136 + 2 * 72;
const CHANGES = encodeChangeSet({ volumeBytes: 9 * BLOCK_BYTES, changedBlocks: 2, bitmap: Uint8Array.of(0x81, 0) });
const EVIDENCE = encodeEvidence({ contentType: 'text/plain', bytes: new TextEncoder().encode('x'.repeat(1000)) });
const PLACE = { vaultId: '407e6ee8-94a1-4786-9106-0305852ce135', runId: RUN_ID, name: '' };
const KEY = seededBytes('key')(32);
const OBJECT = sealObject(SEGMENT_FRAME, new Uint8Array(10), {
  place: PLACE,
  seal: { key: KEY, keyEpoch: 1, nonce: KEY.subarray(0, 12) },
});
const openSegmentObject = (bytes: Uint8Array) => openObject(SEGMENT_FRAME, bytes, { place: PLACE, keyOf: () => KEY });

type Change = (view: DataView, bytes: Uint8Array) => unknown;
const u8 =
  (at: number, value: number): Change =>
  (view) =>
    view.setUint8(at, value);
const u16 =
  (at: number, value: number): Change =>
  (view) =>
    view.setUint16(at, value, true);
const u32 =
  (at: number, value: number): Change =>
  (view) =>
    view.setUint32(at, value, true);
const u64 =
  (at: number, value: bigint): Change =>
  (view) =>
    view.setBigUint64(at, value, true);

interface Refusal {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly change: Change;
  readonly says: RegExp;
}

const refusals = (
  what: string,
  { bytes, decode }: Pick<Refusal, 'bytes' | 'decode'>,
  changes: readonly (readonly [Change, RegExp])[],
): Refusal[] => changes.map(([change, says]) => ({ what, bytes, decode, change, says }));

const REFUSALS: readonly Refusal[] = [
  ...refusals('tail', { bytes: TAIL, decode: decodePackTail }, [
    [u32(0, 144), /trailerBytes is 144, must be 145 to 3145728/],
    [u32(0, (3 << 20) + 1), /trailerBytes is 3145729/],
    [u16(4, 2), /version is 2, must be 1/],
    [u16(6, 0x8000), /flags is 32768/],
    [u32(8, 0), /keyEpoch is 0/],
    [u32(12, 1), /reserved is 1/],
    [u8(16, 0x58), /magic is XSPACK1/],
  ]),
  ...refusals('trailer', { bytes: TRAILER, decode: decodePackTrailer }, [
    [u32(0, 3), /length is 162, must be 207/],
    [u32(4, 4096), /blockBytes is 4096/],
    [u8(8, 0x2f), /volumeId is '\/ol-1', which is no volume id/],
    [u8(8, 0), /volumeId goes on after its end/],
    [u8(9, 7), /volumeId is not printable ASCII/],
    [u32(72 + 4, 9), /offset is 9, must be 8/],
    [u32(72 + 8, 28), /sealedBytes is 28/],
    [u8(72 + 12, 2), /codec is 2/],
    [u32(72 + 45, 3), /block 3 follows 3/],
    [u32(72 + 45 + 4, 109), /offset is 109, must be 108/],
  ]),
  ...refusals('segment', { bytes: SEGMENT, decode: decodeSegment }, [
    [u32(4, 0), /blocks is 0/],
    [u32(4, 8193), /blocks is 8193/],
    [u32(8, 0), /storedBlocks is 0/],
    [u32(8, 11), /storedBlocks is 11, must be 1 to 10/],
    [u16(12, 3), /packs is 3, must be 1 to 2/],
    [u16(14, 1), /reserved is 1/],
    [u16(12, 1), /length is/],
    [u8(16, 3), /blocks present is 3, must be 2/],
    [u8(17, 4), /block present is 10, must be 0 to 9/],
    [u8(1040, 0x78), /pack runId is 'x0261123T023107Z-9f2c0001', which is no run id/],
    [u32(1040 + 64, 0), /pack keyEpoch is 0/],
    [u32(1040 + 68, 31), /packBytes is 31/],
    [(_, bytes) => bytes.copyWithin(1040 + 72, 1040, 1040 + 72), /different packs is 1, must be 2/],
    [u16(SEGMENT_ENTRIES, 2), /block 0 names pack 2 of 2/],
    [u16(SEGMENT_ENTRIES, 1), /packs in use is 1, must be 2/],
    [u32(SEGMENT_ENTRIES + 4, 7), /offset is 7/],
    [u32(SEGMENT_ENTRIES + 4, 877), /offset is 877, must be 8 to 876/],
    [u32(SEGMENT_ENTRIES + 12, 28), /sealedBytes is 28/],
    [u32(SEGMENT_ENTRIES + 12, 0x0200_0064), /codec is 2/],
  ]),
  ...refusals('map', { bytes: MAP, decode: decodeVolumeMap }, [
    [u64(64, 0n), /volumeBytes is 0/],
    [u64(64, 2n ** 63n), /volumeBytes is 9223372036854775808, beyond 2\^53/],
    [u32(72, 4096), /blockBytes is 4096/],
    [u32(76, 3), /segments is 3, must be 2/],
    [u64(80, 9000n), /storedBlocks is 9000/],
    [u64(80, 2n), /storedBlocks is 1, must be 2/],
    [u32(128, 3), /length is/],
    [u32(132, 1), /reserved is 1/],
    [u8(0, 0x2e), /volumeId is '\.ol-1'/],
    [u8(136, 0x78), /segment runId is/],
    [u32(136 + 64, 0), /segmentBytes is 0/],
    [u32(136 + 68, 8193), /storedBlocks of a segment is 8193/],
    [u32(MAP_PACKS + 64, 0), /packBytes is 0/],
    [u32(MAP_PACKS + 68, 0), /pack keyEpoch is 0/],
    [u64(MAP_PACKS + 72, 2n ** 60n), /retainUntil is .* beyond 2\^53/],
    [u8(MAP_PACKS, 0x78), /pack runId is/],
    [u8(MAP_PACKS + 32, 0xff), /pack b+ follows ffa+/],
  ]),
  ...refusals('change set', { bytes: CHANGES, decode: decodeChangeSet }, [
    [u64(0, 0n), /volumeBytes is 0/],
    [u32(8, 8), /blocks is 8, must be 9/],
    [u32(12, 3), /changedBlocks is 3, must be 2/],
    [u8(17, 2), /bits beyond the volume is 1/],
  ]),
  ...refusals('evidence', { bytes: EVIDENCE, decode: decodeEvidence }, [
    [u8(0, 2), /codec is 2/],
    [u8(1, 1), /reserved is 1/],
    [u16(2, 0), /contentTypeBytes is 0/],
    [u16(2, 101), /contentTypeBytes is 101/],
    [u32(4, 67_108_001), /bytes is 67108001/],
    [u32(4, 999), /not one zstd frame of the promised size/],
    [u32(4, 1001), /content is 1000, must be 1001/],
    [u8(8, 7), /contentType is not printable ASCII/],
  ]),
  ...refusals('sealed object', { bytes: OBJECT, decode: openSegmentObject }, [
    [u8(0, 0x58), /magic is XSSEGM1/],
    [u16(8, 2), /version is 2/],
    [u16(10, 1), /flags is 1/],
    [u32(12, 0), /keyEpoch is 0/],
    [u32(16, 25), /sealedBytes is 25, must be 26/],
    [u8(40, 1), /does not open/],
  ]),
];

test.each(REFUSALS)(
  'a $what is refused, naming the field and what it must be: $says',
  ({ bytes, decode, change, says }) => {
    const changed = Uint8Array.from(bytes);
    change(new DataView(changed.buffer), changed);
    expect(() => decode(bytes)).not.toThrow();
    expect(() => decode(changed)).toThrow(FormatError);
    expect(() => decode(changed)).toThrow(says);
  },
);

test('a decoder refuses nothing at all, and more than the largest object there is', () => {
  for (const decode of [
    decodePackTail,
    decodePackTrailer,
    decodeSegment,
    decodeVolumeMap,
    decodeChangeSet,
    decodeEvidence,
  ]) {
    expect(() => decode(new Uint8Array()), decode.name).toThrow(/length is 0/);
  }
  expect(() => decodeSegment(new Uint8Array((1 << 20) + 1))).toThrow(/length is 1048577/);
});

test('ids out of a segment or a trailer are their own, so that a message to a thread carries them alone', () => {
  const [inSegment] = decodeSegment(Buffer.from(SEGMENT)).entries;
  const [inTrailer] = decodePackTrailer(Buffer.from(TRAILER)).entries;
  expect(inSegment?.blockId.buffer.byteLength).toBe(32);
  expect(inTrailer?.blockId.buffer.byteLength).toBe(32);
});

test('text of the format fits its field, or the writer has a bug', () => {
  expect(() => asciiField('abc', 2)).toThrow(RangeError);
  expect(readAsciiField('field', asciiField('abc', 3))).toBe('abc');
});

test('an object too large to be read is never written', () => {
  const seal = { key: KEY, keyEpoch: 1, nonce: KEY.subarray(0, 12) };
  expect(() => sealObject(SEGMENT_FRAME, new Uint8Array(1 << 20), { place: PLACE, seal })).toThrow(RangeError);
});

const KEYS = { vaultId: PLACE.vaultId, block: KEY, blockId: seededBytes('ids')(32) };

/** Sealed in the right place under the right key, by somebody who puts in what he likes. */
function sealLie(payload: Uint8Array, { codec, of }: { readonly codec: number; readonly of: Uint8Array }) {
  const id = blockIdOf(of, KEYS);
  const nonce = KEY.subarray(0, 12);
  const key = createHmac('sha256', KEYS.block).update(id).digest();
  const sizes = Uint8Array.of(0, 0, 8, 0, codec);
  const aad = Buffer.concat([Buffer.from('USPACK1\n'), uuidBytes(KEYS.vaultId), id, sizes]);
  return { blockId: id, codec, sealed: Buffer.concat([nonce, gcmSeal({ key, nonce, aad }, payload)]) };
}

test('what opens under the right key and is not the block that its id names is refused', () => {
  const of = noise(1);
  expect(Buffer.compare(openBlock(sealLie(of, { codec: 0, of }), KEYS).bytes, of)).toBe(0);
  const row = text('row');
  const opened = openBlock(sealLie(zstdCompressSync(row), { codec: 1, of: row }), KEYS);
  expect(Buffer.compare(opened.bytes, row)).toBe(0);
  expect(() => openBlock(sealLie(noise(2), { codec: 0, of }), KEYS)).toThrow(/does not match its id/);
  expect(() => openBlock(sealLie(of.subarray(1), { codec: 0, of }), KEYS)).toThrow(/block is 524287, must be 524288/);
  expect(() => openBlock(sealLie(row, { codec: 1, of }), KEYS)).toThrow(/not one zstd frame of a block/);
  const bomb = zstdCompressSync(new Uint8Array(64 << 20));
  expect(() => openBlock(sealLie(bomb, { codec: 1, of }), KEYS)).toThrow(/not one zstd frame of a block/);
});

test('a sealed block is never longer than a block and what sealing adds', () => {
  const { sealed, ...block } = sealLie(noise(1), { codec: 0, of: noise(1) });
  expect(() => openBlock({ ...block, sealed: sealed.subarray(0, 28) }, KEYS)).toThrow(/sealed block is 28, must be 29/);
  expect(() => openBlock({ ...block, sealed: Buffer.alloc(524_317) }, KEYS)).toThrow(/must be 29 to 524316/);
});

test('sealed bytes too short for a tag are refused', () => {
  expect(() => gcmOpen({ key: KEY, nonce: KEY.subarray(0, 12), aad: KEY }, new Uint8Array(15))).toThrow(
    /15, too short/,
  );
});

test('the object is named once, and only for what is about its bytes', () => {
  const named = () => naming('runs/a', () => naming('runs/b', () => decodePackTail(new Uint8Array(3))));
  expect(named).toThrow(/^runs\/b: length is 3/);
  const bug = () =>
    naming('runs/a', () => {
      throw new TypeError('bug');
    });
  expect(bug).toThrow(TypeError);
});

test('evidence that does not compress is stored, and found again', () => {
  const bytes = seededBytes('photo')(500);
  expect(zstdCompressSync(bytes).length).toBeGreaterThan(500);
  expect(Buffer.compare(decodeEvidence(encodeEvidence({ contentType: 'image/png', bytes })).bytes, bytes)).toBe(0);
});
