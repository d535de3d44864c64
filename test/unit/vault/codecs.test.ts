import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { decodeChangeSet, encodeChangeSet } from '../../../src/vault/change-set.ts';
import { decodeEvidence, encodeEvidence } from '../../../src/vault/evidence-content.ts';
import { decodePackTail, encodePackTail } from '../../../src/vault/pack-tail.ts';
import { decodePackTrailer, encodePackTrailer } from '../../../src/vault/pack-trailer.ts';
import { countSegments } from '../../../src/vault/parameters.ts';
import { blockIdOf, openBlock, sealBlock } from '../../../src/vault/sealed-block.ts';
import { openObject, sealObject } from '../../../src/vault/sealed-object.ts';
import { decodeSegment, encodeSegment, SEGMENT_FRAME } from '../../../src/vault/segment.ts';
import { decodeVolumeMap, encodeVolumeMap } from '../../../src/vault/volume-map.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, text } from '../../support/vault-volume.ts';

const hex64 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const runId = fc.nat(0xffff_ffff).map((n) => `20261123T023107Z-${n.toString(16).padStart(8, '0')}`);
const volumeId = fc.stringMatching(/^vol-[0-9a-f]{1,17}$/);
const blockId = fc.uint8Array({ minLength: 32, maxLength: 32 });
const sealedBytes = fc.integer({ min: 29, max: 524_316 });

const trailer = fc
  .record({
    volumeId,
    sizes: fc.array(fc.tuple(sealedBytes, blockId, fc.integer({ min: 0, max: 1 })), { minLength: 1, maxLength: 40 }),
  })
  .map(({ volumeId, sizes }) => {
    let offset = 8;
    const entries = sizes.map(([size, id, codec], i) => {
      const entry = { blockIndex: i * 3, offset, sealedBytes: size, codec, blockId: id };
      offset += size;
      return entry;
    });
    return { volumeId, entries };
  });

const segment = fc
  .record({
    segmentIndex: fc.nat(100_000),
    blocks: fc.integer({ min: 1, max: 8192 }),
    packs: fc.uniqueArray(fc.record({ runId, packId: hex64, keyEpoch: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 5,
      selector: ({ packId }) => packId,
    }),
    positions: fc.uniqueArray(fc.nat(8191), { minLength: 5, maxLength: 50 }),
    ids: fc.array(blockId, { minLength: 50, maxLength: 50 }),
  })
  .map(({ segmentIndex, blocks, packs, positions, ids }) => {
    const inside = [...new Set(positions.map((position) => position % blocks))].sort((a, b) => a - b);
    const used = packs
      .slice(0, Math.min(packs.length, inside.length))
      .map((pack) => ({ ...pack, packBytes: 33_000_000 }));
    const entries = inside.map((position, i) => ({
      position,
      pack: i % used.length,
      offset: 8 + i * 1000,
      sealedBytes: 1000,
      codec: i % 2,
      blockId: ids[i] ?? new Uint8Array(32),
    }));
    return { segmentIndex, blocks, packs: used, entries };
  });

const map = fc
  .record({
    volumeId,
    volumeBytes: fc.integer({ min: 1, max: 2 ** 36 }),
    storedBytes: fc.nat(),
    volumeDigest: hex64,
    packs: fc.uniqueArray(fc.record({ runId, packId: hex64, packBytes: fc.integer({ min: 1, max: 64 << 20 }) }), {
      maxLength: 6,
      selector: ({ packId }) => packId,
    }),
    segment: fc.record({ runId, segmentId: hex64, segmentBytes: fc.integer({ min: 1, max: 1 << 20 }) }),
  })
  .map(({ segment, packs, ...facts }) => {
    const segments = Array.from({ length: countSegments(facts.volumeBytes) }, (_, i) =>
      i % 3 === 0 ? { ...segment, storedBlocks: 1 } : null,
    );
    const sorted = packs.map((pack) => ({ ...pack, keyEpoch: 1, retainUntil: 1_800_000_000 }));
    sorted.sort((a, b) => (a.packId < b.packId ? -1 : 1));
    return { ...facts, segments, packs: sorted, storedBlocks: segments.filter((s) => s !== null).length };
  });

const changeSet = fc
  .record({ blocks: fc.integer({ min: 1, max: 5000 }), seed: fc.string() })
  .map(({ blocks, seed }) => {
    const bitmap = seededBytes(seed)(Math.ceil(blocks / 8));
    const spare = bitmap.length * 8 - blocks;
    bitmap[bitmap.length - 1] = (bitmap.at(-1) ?? 0) & (0xff >> spare);
    const changedBlocks = [...bitmap].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    return { volumeBytes: blocks * BLOCK_BYTES - 1, changedBlocks, bitmap };
  });

const evidence = fc.record({
  contentType: fc.constantFrom('text/plain', 'image/jpeg'),
  bytes: fc.uint8Array({ maxLength: 5000 }),
});
const tail = fc.record({
  trailerBytes: fc.integer({ min: 145, max: 3 << 20 }),
  keyEpoch: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
});

interface Codec {
  readonly name: string;
  readonly objects: fc.Arbitrary<never>;
  readonly encode: (object: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

const codec = <T>(
  name: string,
  objects: fc.Arbitrary<T>,
  functions: { encode: (object: T) => Uint8Array; decode: (bytes: Uint8Array) => T },
) => ({ name, objects, ...functions }) as unknown as Codec;

const CODECS = [
  codec('pack tail', tail, { encode: encodePackTail, decode: decodePackTail }),
  codec('pack trailer', trailer, { encode: encodePackTrailer, decode: decodePackTrailer as never }),
  codec('segment', segment, { encode: encodeSegment, decode: decodeSegment as never }),
  codec('map', map, { encode: encodeVolumeMap as never, decode: decodeVolumeMap as never }),
  codec('change set', changeSet, { encode: encodeChangeSet, decode: decodeChangeSet }),
  codec('evidence', evidence, { encode: encodeEvidence, decode: decodeEvidence as never }),
];

/** Bytes as hex, so that buffers and arrays of the same bytes are the same. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

test.each(CODECS)('a $name decodes to what was encoded', ({ objects, encode, decode }) => {
  fc.assert(
    fc.property(objects, (object) => {
      expect(plain(decode(encode(object)))).toEqual(plain(object));
    }),
    { numRuns: 50 },
  );
});

function onlyFormatErrors(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

test.each(CODECS)(
  'a changed, cut or made-up $name gives an object or a FormatError, nothing else',
  ({ objects, encode, decode }) => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(objects, damage, fc.nat(), (object, changes, cut) => {
        const bytes = Uint8Array.from(encode(object));
        // Half of the changes hit the head, where counts and sizes are.
        for (const [i, [at, value]] of changes.entries()) bytes[i % 2 === 0 ? at % 16 : at % bytes.length] = value;
        onlyFormatErrors(() => decode(bytes));
        onlyFormatErrors(() => decode(bytes.subarray(0, cut % bytes.length)));
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => onlyFormatErrors(() => decode(bytes))),
      { numRuns: 200 },
    );
  },
);

const KEYS = {
  vaultId: '407e6ee8-94a1-4786-9106-0305852ce135',
  block: seededBytes('b')(32),
  blockId: seededBytes('i')(32),
};

test.each([
  { what: 'noise', block: noise(1), codec: 0 },
  { what: 'text', block: text('hello'), codec: 1 },
])('a block of $what is stored with codec $codec and opens to itself', ({ block, codec: wanted }) => {
  const sealed = sealBlock({ block, blockId: blockIdOf(block, KEYS) }, KEYS, seededBytes('n')(12));
  expect(sealed.codec).toBe(wanted);
  expect(Buffer.compare(openBlock(sealed, KEYS).bytes, block)).toBe(0);
});

test('a sealed block with any byte changed, another id or another codec does not open', () => {
  const hello = text('hello');
  const sealed = sealBlock({ block: hello, blockId: blockIdOf(hello, KEYS) }, KEYS, seededBytes('n')(12));
  for (let at = 0; at < sealed.sealed.length; at++) {
    const bytes = Uint8Array.from(sealed.sealed);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(() => openBlock({ ...sealed, sealed: bytes }, KEYS)).toThrow(FormatError);
  }
  expect(() => openBlock({ ...sealed, codec: 0 }, KEYS)).toThrow(FormatError);
  expect(() => openBlock({ ...sealed, blockId: seededBytes('x')(32) }, KEYS)).toThrow(FormatError);
});

test('a sealed object opens only as its type, in its vault, run and name, with no byte changed', () => {
  const place = { vaultId: KEYS.vaultId, runId: '20261123T023107Z-9f2c0001', name: 'vol-1' };
  const keyOf = () => KEYS.block;
  const object = sealObject(SEGMENT_FRAME, text('x').subarray(0, 100), {
    place,
    seal: { key: KEYS.block, keyEpoch: 1, nonce: seededBytes('n')(12) },
  });
  expect(openObject(SEGMENT_FRAME, object, { place, keyOf }).length).toBe(100);
  for (const other of [
    { runId: '20261123T023107Z-9f2c0002' },
    { name: 'vol-2' },
    { vaultId: '407e6ee8-94a1-4786-9106-0305852ce136' },
  ]) {
    expect(() => openObject(SEGMENT_FRAME, object, { place: { ...place, ...other }, keyOf })).toThrow(FormatError);
  }
  for (let at = 0; at < object.length; at++) {
    const bytes = Uint8Array.from(object);
    bytes[at] = (bytes[at] ?? 0) ^ 0x80;
    expect(() => openObject(SEGMENT_FRAME, bytes, { place, keyOf })).toThrow(FormatError);
  }
});
