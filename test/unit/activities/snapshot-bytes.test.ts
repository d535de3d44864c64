import { expect, test } from 'vitest';
import { snapshotBytes } from '../../../src/activities/snapshot-bytes.ts';
import { BLOCK_BYTES, type BlockSource } from '../../../src/vault/index.ts';

const NEVER = new AbortController().signal;
const BLOCKS = 600;

/** Every third block is written and holds its number; listing again ends the life of older tokens. */
function strictSource() {
  let listing = 0;
  const reads: number[] = [];
  const source: BlockSource = {
    volumeBytes: BLOCKS * BLOCK_BYTES,
    async *blocks({ from, to }) {
      listing++;
      for (let index = from; index < to; index++) if (index % 3 === 0) yield { index, token: `${listing}` };
    },
    changedSince: async () => 'unrelated',
    async read({ index, token }) {
      if (token !== `${listing}`) throw new Error(`token of listing ${token} after listing ${listing}`);
      reads.push(index);
      return new Uint8Array(BLOCK_BYTES).fill(index % 251);
    },
  };
  return { source, reads };
}

function expected(offset: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, n) => {
    const index = Math.floor((offset + n) / BLOCK_BYTES);
    return index % 3 === 0 ? index % 251 : 0;
  });
}

test('reads across blocks, holes and listings give the bytes of the disk, also side by side', async () => {
  const { source } = strictSource();
  const disk = snapshotBytes(source);
  const places = [0, BLOCK_BYTES - 7, 300 * BLOCK_BYTES - 3, 5 * BLOCK_BYTES + 11, 599 * BLOCK_BYTES];
  const read = await Promise.all(places.map((offset) => disk.readAt(offset, 100, NEVER)));
  expect(read).toEqual(places.map((offset) => expected(offset, 100)));
});

test('a block is fetched once for reads that lie close together', async () => {
  const { source, reads } = strictSource();
  const disk = snapshotBytes(source);
  for (let offset = 0; offset < 4096; offset += 512) await disk.readAt(offset, 512, NEVER);
  expect(reads).toEqual([0]);
});

test('a read beyond the end is a bug and says so', async () => {
  const disk = snapshotBytes(strictSource().source);
  await expect(disk.readAt(BLOCKS * BLOCK_BYTES - 1, 2, NEVER)).rejects.toThrow(RangeError);
});
