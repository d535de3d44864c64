import { expect, test } from 'vitest';
import { publishedDigest } from '../../../setup/download.mjs';

test('a digest is the one of exactly that file, in both notations of sha256sum', () => {
  const sums = 'aa  other_server.tar.gz\nbb  server.tar.gz\ncc *binary.tar.gz\n';
  expect(publishedDigest(sums, 'server.tar.gz')).toBe('bb');
  expect(publishedDigest(sums, 'binary.tar.gz')).toBe('cc');
  expect(publishedDigest(sums, 'r.tar.gz')).toBeUndefined();
});
