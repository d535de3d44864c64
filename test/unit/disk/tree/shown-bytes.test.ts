import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesShownAs, shownBytes } from '../../../../src/disk/tree/shown-bytes.ts';

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test.each([
  [Buffer.from('naïve ☂'), 'naïve ☂'],
  [Buffer.from('a\nb\x1b[2J'), 'a\\x0ab\\x1b[2J'],
  [Buffer.from([0x66, 0xff, 0xc3]), 'f\\xff\\xc3'],
  [Buffer.from('back\\slash'), 'back\\\\slash'],
  [Buffer.from('\u202egpj'), '\\xe2\\x80\\xaegpj'],
])('%s is shown as text without steering characters', (bytes, shown) => {
  expect(shownBytes(latin1(bytes))).toBe(shown);
});

test('what is shown names the same bytes again, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(bytesShownAs(shownBytes(latin1(bytes)))).toBe(latin1(bytes));
    }),
  );
});
