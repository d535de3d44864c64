import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { WrittenBlocks } from '../../../src/vault/index.ts';

const [FIRST, SECOND] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

test('the checksum of written blocks is SHA-256 over raw digests in ascending order, and may be asked for again', () => {
  const written = new WrittenBlocks();
  written.add(2, FIRST);
  expect(Buffer.from(written.checksum())).toEqual(createHash('sha256').update(FIRST).digest());
  written.add(9, SECOND);
  expect(Buffer.from(written.checksum())).toEqual(createHash('sha256').update(FIRST).update(SECOND).digest());
  expect(written.count).toBe(2);
});

test.each([
  { second: 7, what: 'the same block' },
  { second: 3, what: 'an earlier block' },
])('$what after block 7 is refused, for its checksum would be another', ({ second }) => {
  const written = new WrittenBlocks();
  written.add(7, FIRST);
  expect(() => written.add(second, SECOND)).toThrow(/comes after block 7/);
  expect(written.count).toBe(1);
});
