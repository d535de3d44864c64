import { expect, test } from 'vitest';
import { free } from '../../../src/vault/bytes.ts';

test('a buffer of its own is given back at every size, also the 64 KiB that a socket gives at once', () => {
  for (const bytes of [8192, 39_936, 65_536, 524_288]) {
    const buffer = new Uint8Array(bytes);
    free(buffer);
    expect(buffer.length).toBe(0);
  }
});

test('a piece of the pool that small buffers share stays, and so do the others in it', () => {
  const [one, other] = [Buffer.from('one'), Buffer.from('other')];
  free(one);
  expect(`${one} ${other}`).toBe('one other');
});

test('memory that threads share stays', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(65_536));
  free(shared);
  expect(shared.length).toBe(65_536);
});
