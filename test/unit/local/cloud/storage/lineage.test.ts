import { expect, test } from 'vitest';
import type { SnapshotRecord } from '../../../../../local/cloud/records.ts';
import { Bitmap } from '../../../../../local/cloud/storage/bitmap.ts';
import { changedBetween, type LineageSource } from '../../../../../local/cloud/storage/lineage.ts';

/** root ← a ← b, and a ← clone: production captured twice, and a clone of the first capture. */
const PARENTS: Readonly<Record<string, string | undefined>> = {
  root: undefined,
  a: 'root',
  b: 'a',
  clone: 'a',
  other: undefined,
};
const CHANGED: Readonly<Record<string, number[]>> = { root: [0, 1, 2], a: [1], b: [2, 9], clone: [3], other: [0] };

const SOURCE: LineageSource = {
  find: (id) => {
    const parentId = PARENTS[id];
    return id in PARENTS ? ({ id, ...(parentId !== undefined && { parentId }) } as SnapshotRecord) : undefined;
  },
  changed: (id) => bitmap(CHANGED[id] ?? []),
};

function bitmap(blocks: readonly number[]): Bitmap {
  const made = new Bitmap(16);
  for (const block of blocks) made.add(block);
  return made;
}

test.each([
  { first: 'root', second: 'b', siblings: false, blocks: [1, 2, 9] },
  { first: 'b', second: 'root', siblings: false, blocks: [1, 2, 9] },
  { first: 'a', second: 'clone', siblings: false, blocks: [3] },
  { first: 'a', second: 'a', siblings: false, blocks: [] },
  { first: 'clone', second: 'b', siblings: true, blocks: [2, 3, 9] },
  { first: 'clone', second: 'b', siblings: false, blocks: undefined },
  { first: 'other', second: 'b', siblings: true, blocks: undefined },
])(
  'between $first and $second (siblings $siblings) the blocks $blocks changed',
  ({ first, second, siblings, blocks }) => {
    const changed = changedBetween(SOURCE, first, second, siblings);
    expect(changed === undefined ? undefined : [...changed.from(0)]).toEqual(blocks);
  },
);

test('a set gives its blocks in order, from anywhere, and none beyond its end', () => {
  const set = bitmap([0, 7, 8, 15]);
  expect([...set.from(8)]).toEqual([8, 15]);
  expect(set.count()).toBe(4);
  expect(set.has(1_000)).toBe(false);
  expect(() => set.add(16)).toThrow(RangeError);
});

test('a union is as long as the longer set', () => {
  const long = new Bitmap(64);
  long.add(63);
  expect([...bitmap([3]).union(long).from(0)]).toEqual([3, 63]);
});
