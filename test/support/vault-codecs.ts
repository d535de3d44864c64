import fc from 'fast-check';
import { BLOCK_BYTES } from '../../src/vault/block-source.ts';
import { decodeChangeSet, encodeChangeSet } from '../../src/vault/change-set.ts';
import { decodeEvidence, encodeEvidence } from '../../src/vault/evidence-content.ts';
import { decodeFileIndex, encodeFileIndex } from '../../src/vault/file-index/file-index.ts';
import { decodeIndexPage, encodeIndexPage } from '../../src/vault/file-index/index-page.ts';
import { decodePackTail, encodePackTail } from '../../src/vault/pack-tail.ts';
import { decodePackTrailer, encodePackTrailer } from '../../src/vault/pack-trailer.ts';
import { countSegments } from '../../src/vault/parameters.ts';
import { decodeSegment, encodeSegment } from '../../src/vault/segment.ts';
import { decodeVolumeMap, encodeVolumeMap } from '../../src/vault/volume-map.ts';
import { seededBytes } from './vault-random.ts';

/** Valid objects of every binary codec, for property tests and as seeds of the fuzzer. */

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
const path = fc
  .array(fc.stringMatching(/^[a-z.é]{1,12}$/), { minLength: 1, maxLength: 4 })
  .map((names) => `/${names.join('/')}`);
const time = '2026-11-23T02:31:07.412345678Z';
const indexPage = fc.array(
  fc
    .record({ path, bytes: fc.nat(), mode: fc.nat(0o7777), uid: fc.nat(), inode: fc.nat().map(String) })
    .map((file) => ({
      kind: 'file',
      gid: 0,
      modifiedAt: time,
      changedAt: time,
      links: 1,
      ...file,
    })),
  { minLength: 1, maxLength: 20 },
);
const fileIndex = fc
  .record({ pointId: runId, indexId: runId, pageIds: fc.array(hex64, { maxLength: 5 }), path })
  .map(({ pageIds, path: first, ...ids }) => ({
    ...ids,
    builtAt: '2026-11-23T02:31:07.412Z',
    toolVersion: '0.1.0',
    digests: false,
    files: pageIds.length,
    notes: ['note'],
    unreadable: [{ path: first, reason: 'damaged' }],
    objects: [{ recipe: 'postgresql', kind: 'table', name: 'bank/public.accounts', rows: 7 }],
    pages: pageIds.map((pageId) => ({ runId: ids.pointId, pageId, records: 1, first })),
  }));
const tail = fc.record({
  trailerBytes: fc.integer({ min: 145, max: 3 << 20 }),
  keyEpoch: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
});

/** A codec whose encoder and decoder are inverse; `canonical`: what it accepts is what it would write. */
export interface Codec {
  readonly canonical: boolean;
  readonly name: string;
  readonly objects: fc.Arbitrary<never>;
  readonly encode: (object: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

const codec = <T>(
  name: string,
  objects: fc.Arbitrary<T>,
  functions: { encode: (object: T) => Uint8Array; decode: (bytes: Uint8Array) => T },
) =>
  ({
    name,
    objects,
    canonical: !['evidence', 'file index', 'index page'].includes(name),
    ...functions,
  }) as unknown as Codec;

export const CODECS = [
  codec('pack tail', tail, { encode: encodePackTail, decode: decodePackTail }),
  codec('pack trailer', trailer, { encode: encodePackTrailer, decode: decodePackTrailer as never }),
  codec('segment', segment, { encode: encodeSegment, decode: decodeSegment as never }),
  codec('map', map, { encode: encodeVolumeMap as never, decode: decodeVolumeMap as never }),
  codec('change set', changeSet, { encode: encodeChangeSet, decode: decodeChangeSet }),
  codec('file index', fileIndex, { encode: encodeFileIndex as never, decode: decodeFileIndex as never }),
  codec('index page', indexPage, { encode: encodeIndexPage as never, decode: decodeIndexPage as never }),
  codec('evidence', evidence, { encode: encodeEvidence, decode: decodeEvidence as never }),
];
