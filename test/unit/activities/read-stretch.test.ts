import { expect, test } from 'vitest';
import { readStretch } from '../../../src/activities/read-stretch.ts';
import { BLOCK_BYTES, type BlockRange, type BlockSource } from '../../../src/vault/index.ts';

const NEVER = new AbortController().signal;

/** A snapshot that holds some blocks, each filled with its own number. */
function snapshotOf(held: readonly number[], listed: BlockRange[] = []): BlockSource {
  return {
    volumeBytes: 100 * BLOCK_BYTES,
    async *blocks(range) {
      listed.push(range);
      for (const index of held) if (index >= range.from && index < range.to) yield { index, token: `t${index}` };
    },
    changedSince: async () => 'unrelated',
    read: async ({ index }) => new Uint8Array(BLOCK_BYTES).fill(index),
  };
}

/** As EBS does: into the room it is given, which must hold a block. */
function fillingRooms(source: BlockSource): BlockSource {
  return {
    ...source,
    async read({ index }, _, room = new Uint8Array(BLOCK_BYTES)) {
      if (room.length !== BLOCK_BYTES) throw new RangeError(`room for ${room.length} bytes`);
      return room.fill(index);
    },
  };
}

async function read(source: BlockSource, bytes: number, pieceBytes = 4 * BLOCK_BYTES) {
  const pieces: Uint8Array[] = [];
  for await (const piece of readStretch({ source, from: 10 * BLOCK_BYTES, bytes, pieceBytes }, NEVER))
    pieces.push(piece);
  return pieces;
}

test.each([
  { what: 'bytes of its own', source: snapshotOf },
  { what: 'the room it is given', source: (held: number[]) => fillingRooms(snapshotOf(held)) },
])('from $what: pieces follow each other, holes are zeros, the last one ends at the last byte', async ({ source }) => {
  const pieces = await read(source([9, 10, 12, 15, 16]), 5 * BLOCK_BYTES + 7);
  expect(pieces.map(({ length }) => length)).toEqual([4 * BLOCK_BYTES, BLOCK_BYTES + 7]);
  const whole = Buffer.concat(pieces);
  const seen = [0, 1, 2, 3, 4].map((n) => whole[n * BLOCK_BYTES]);
  expect(seen).toEqual([10, 0, 12, 0, 0]);
  expect([...whole.subarray(-7)]).toEqual(Array(7).fill(15));
});

test('no piece is listed before the one before it was read', async () => {
  const listed: BlockRange[] = [];
  await read(snapshotOf([10], listed), 9 * BLOCK_BYTES);
  expect(listed).toEqual([
    { from: 10, to: 14 },
    { from: 14, to: 18 },
    { from: 18, to: 19 },
  ]);
});

test('nothing gives nothing', async () => {
  expect(await read(snapshotOf([10]), 0)).toEqual([]);
});
