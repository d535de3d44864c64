import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { MAX_SEALED_BLOCK_BYTES, openBlock, sealBlock } from '../../../src/vault/sealed-block.ts';
import { openObject, sealObject } from '../../../src/vault/sealed-object.ts';
import { SEGMENT_FRAME } from '../../../src/vault/segment.ts';
import { CODECS } from '../../support/vault-codecs.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Bytes as hex, so that buffers and arrays of the same bytes are the same. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

test.each(CODECS)('a $name decodes to what was encoded', ({ objects, encode, decode }) => {
  fc.assert(
    fc.property(objects, (object) => {
      expect(plain(decode(encode(object)))).toEqual(plain(object));
    }),
    { numRuns: 50 },
  );
});

function onlyFormatErrors(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

test.each(CODECS)(
  'a changed, cut or made-up $name gives an object or a FormatError, nothing else',
  ({ objects, encode, decode }) => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(objects, damage, fc.nat(), (object, changes, cut) => {
        const bytes = Uint8Array.from(encode(object));
        // Half of the changes hit the head, where counts and sizes are.
        for (const [i, [at, value]] of changes.entries()) bytes[i % 2 === 0 ? at % 16 : at % bytes.length] = value;
        onlyFormatErrors(() => decode(bytes));
        onlyFormatErrors(() => decode(bytes.subarray(0, cut % bytes.length)));
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => onlyFormatErrors(() => decode(bytes))),
      { numRuns: 200 },
    );
  },
);

const KEYS = {
  vaultId: '407e6ee8-94a1-4786-9106-0305852ce135',
  block: seededBytes('b')(32),
  blockId: seededBytes('i')(32),
};

function seal(block: Uint8Array) {
  const room = new Uint8Array(MAX_SEALED_BLOCK_BYTES);
  return sealBlock(block, { keys: KEYS, nonce: seededBytes('n')(12), room });
}

test.each([
  { what: 'noise', block: noise(1), codec: 0 },
  { what: 'text', block: text('hello'), codec: 1 },
])('a block of $what is stored with codec $codec and opens to itself', ({ block, codec: wanted }) => {
  const sealed = seal(block);
  expect(sealed.codec).toBe(wanted);
  expect(Buffer.compare(openBlock(sealed, KEYS).bytes, block)).toBe(0);
});

test('a sealed block with any byte changed, another id or another codec does not open', () => {
  const hello = text('hello');
  const sealed = seal(hello);
  for (let at = 0; at < sealed.sealed.length; at++) {
    const bytes = Uint8Array.from(sealed.sealed);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(() => openBlock({ ...sealed, sealed: bytes }, KEYS)).toThrow(FormatError);
  }
  expect(() => openBlock({ ...sealed, codec: 0 }, KEYS)).toThrow(FormatError);
  expect(() => openBlock({ ...sealed, blockId: seededBytes('x')(32) }, KEYS)).toThrow(FormatError);
});

test('a sealed object opens only as its type, in its vault, run and name, with no byte changed', () => {
  const place = { vaultId: KEYS.vaultId, runId: '20261123T023107Z-9f2c0001', name: 'vol-1' };
  const keyOf = () => KEYS.block;
  const object = sealObject(SEGMENT_FRAME, text('x').subarray(0, 100), {
    place,
    seal: { key: KEYS.block, keyEpoch: 1, nonce: seededBytes('n')(12) },
  });
  expect(openObject(SEGMENT_FRAME, object, { place, keyOf }).length).toBe(100);
  for (const other of [
    { runId: '20261123T023107Z-9f2c0002' },
    { name: 'vol-2' },
    { vaultId: '407e6ee8-94a1-4786-9106-0305852ce136' },
  ]) {
    expect(() => openObject(SEGMENT_FRAME, object, { place: { ...place, ...other }, keyOf })).toThrow(FormatError);
  }
  for (let at = 0; at < object.length; at++) {
    const bytes = Uint8Array.from(object);
    bytes[at] = (bytes[at] ?? 0) ^ 0x80;
    expect(() => openObject(SEGMENT_FRAME, bytes, { place, keyOf })).toThrow(FormatError);
  }
});
