import { expect, test } from 'vitest';
import { copyInto, free } from '../../../src/vault/bytes.ts';

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

test('bytes are copied into shared memory and out of it, to where they belong', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8), 1, 6);
  copyInto(shared, Uint8Array.of(1, 2, 3), 2);
  expect([...new Uint8Array(shared.buffer)]).toEqual([0, 0, 0, 1, 2, 3, 0, 0]);
  const own = new Uint8Array(4);
  copyInto(own, shared.subarray(1, 5));
  expect([...own]).toEqual([0, 1, 2, 3]);
  copyInto(own, new Uint8Array(), 4);
  expect([...own]).toEqual([0, 1, 2, 3]);
});

test('what does not fit is refused, and not cut', () => {
  expect(() => copyInto(new Uint8Array(4), Uint8Array.of(1, 2, 3), 2)).toThrow('3 bytes at 2 do not fit 4');
});
