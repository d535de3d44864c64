import { expect, test } from 'vitest';
import { partOf } from '../../../src/activities/source-part.ts';
import { BLOCK_BYTES, type BlockRef, type BlockSource } from '../../../src/vault/index.ts';

const NEVER = new AbortController().signal;

/** Eight blocks, of which the odd ones were written; each reads as its own index. */
const SOURCE: BlockSource = {
  volumeBytes: 8 * BLOCK_BYTES,
  async *blocks({ from, to }) {
    for (let index = from; index < to; index++) if (index % 2 === 1) yield { index, token: `t${index}` };
  },
  changedSince: async () => 'unrelated',
  read: async ({ index, token }) => {
    if (token !== `t${index}`) throw new Error('another block');
    return new Uint8Array(BLOCK_BYTES).fill(index);
  },
};

test('a part of a source counts its blocks from 0 and reads the right ones', async () => {
  const part = partOf(SOURCE, { fromByte: 2 * BLOCK_BYTES, volume: { bytes: 4 * BLOCK_BYTES } });
  const refs: BlockRef[] = [];
  for await (const ref of part.blocks({ from: 0, to: 4 }, NEVER)) refs.push(ref);
  expect(part.volumeBytes).toBe(4 * BLOCK_BYTES);
  expect(refs.map(({ index }) => index)).toEqual([1, 3]);
  const firsts = await Promise.all(refs.map(async (ref) => (await part.read(ref, NEVER))[0]));
  expect(firsts).toEqual([3, 5]);
});

test('what a source announces, a part of it announces too, of the right block', async () => {
  const receive: BlockSource['receive'] = async ({ index }, _, room) => ({
    bytes: room.fill(index),
    sha256: new Uint8Array([index]),
  });
  const part = partOf({ ...SOURCE, receive }, { fromByte: 2 * BLOCK_BYTES, volume: { bytes: 4 * BLOCK_BYTES } });
  const { bytes, sha256 } = (await part.receive?.({ index: 1, token: 't3' }, NEVER, new Uint8Array(8))) ?? {};
  expect([bytes?.[0], sha256?.[0]]).toEqual([3, 3]);
  expect(partOf(SOURCE, { fromByte: 0, volume: { bytes: BLOCK_BYTES } })).not.toHaveProperty('receive');
});

test('without a beginning it is the source itself', () => {
  expect(partOf(SOURCE, { volume: { bytes: 1 } })).toBe(SOURCE);
});

test.each([
  { what: 'does not begin at a block', fromByte: 4_096, blocks: 1 },
  { what: 'ends behind the source', fromByte: 5 * BLOCK_BYTES, blocks: 4 },
])('a part that $what is refused', ({ fromByte, blocks }) => {
  expect(() => partOf(SOURCE, { fromByte, volume: { bytes: blocks * BLOCK_BYTES } })).toThrow(RangeError);
});
