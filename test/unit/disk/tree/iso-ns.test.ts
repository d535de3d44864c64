import { expect, test } from 'vitest';
import { isoNs } from '../../../../src/disk/tree/iso-ns.ts';
import { decodeIndexPage, encodeIndexPage } from '../../../../src/vault/file-index/index-page.ts';

const SECOND = 1_000_000_000n;

test.each([
  { ns: 0n, told: '1970-01-01T00:00:00.000000000Z' },
  { ns: -1n, told: '1969-12-31T23:59:59.999999999Z' },
  { ns: 253_402_300_799n * SECOND + 999_999_999n, told: '9999-12-31T23:59:59.999999999Z' },
  { ns: 253_402_300_800n * SECOND, told: '9999-12-31T23:59:59.999999999Z' },
  { ns: (2n ** 63n - 1n) * SECOND, told: '9999-12-31T23:59:59.999999999Z' },
  { ns: -62_167_219_200n * SECOND, told: '0000-01-01T00:00:00.000000000Z' },
  { ns: -(2n ** 63n) * SECOND, told: '0000-01-01T00:00:00.000000000Z' },
])('$ns ns are told as $told, and an index page with that time can be read again', ({ ns, told }) => {
  const time = isoNs(ns);
  expect(time).toBe(told);
  const facts = { path: '/a', kind: 'file', bytes: 0, mode: 0, uid: 0, gid: 0, inode: '1', links: 1 } as const;
  const record = { ...facts, modifiedAt: time, changedAt: time };
  expect(decodeIndexPage(encodeIndexPage([record]))).toEqual([record]);
});
