import crypto, { hash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import {
  blockIdOf,
  MAX_SEALED_BLOCK_BYTES,
  openBlock,
  sealBlock,
  sealProven,
} from '../../../src/vault/sealed-block.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, text } from '../../support/vault-volume.ts';

/** What a processor or memory that fails does: one bit is another on its way into a step. */
const FAULTS = {
  compress() {
    const { zstdCompressSync } = zlib;
    vi.spyOn(zlib, 'zstdCompressSync').mockImplementation((bytes) => zstdCompressSync(flipped(bytes as Uint8Array)));
  },
  seal() {
    const { createCipheriv } = crypto;
    vi.spyOn(crypto, 'createCipheriv').mockImplementation((...args) => {
      const cipher = createCipheriv(...args);
      const update = cipher.update.bind(cipher) as (bytes: Uint8Array) => Buffer;
      return Object.assign(cipher, { update: (bytes: Uint8Array) => update(flipped(bytes)) });
    });
  },
};

function flipped(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[FLIPPED_AT] = (other[FLIPPED_AT] ?? 0) ^ 1;
  return other;
}

/** Within a frame of text, too. */
const FLIPPED_AT = 10;

const KEYS = {
  vaultId: '407e6ee8-94a1-4786-9106-0305852ce135',
  block: seededBytes('b')(32),
  blockId: seededBytes('i')(32),
};
const NONCE = seededBytes('n')(12);

function into(room = new Uint8Array(MAX_SEALED_BLOCK_BYTES)) {
  return { keys: KEYS, nonce: NONCE, room };
}

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const BLOCKS = [
  { what: 'noise, stored as it is', block: () => noise(1) },
  { what: 'text, compressed', block: () => text('hello') },
];

test.each(BLOCKS)('$what: proven or not, it is sealed to the same bytes under the same id', ({ block }) => {
  const proven = sealProven(block(), into());
  expect(proven).toEqual(sealBlock(block(), into()));
  expect(proven.blockId).toEqual(blockIdOf(block(), KEYS));
  expect(proven.sha256).toEqual(hash('sha256', block(), 'buffer'));
});

test.each(BLOCKS)('$what: sealed in its own place it is proven as well', ({ block }) => {
  const batch = new Uint8Array(MAX_SEALED_BLOCK_BYTES);
  const place = batch.subarray(MAX_SEALED_BLOCK_BYTES - block().length);
  place.set(block());
  const sealed = sealProven(place, into(batch));
  expect(Buffer.compare(openBlock(sealed, KEYS).bytes, block())).toBe(0);
});

test.each([
  { what: 'noise', block: noise(1), step: 'seal', said: 'its sealed bytes give others' },
  { what: 'text', block: text('hello'), step: 'seal', said: 'its sealed bytes give others' },
  { what: 'text', block: text('hello'), step: 'compress', said: 'its compressed bytes give others' },
] as const)(
  'a bit of $what that flips before $step is seen before the block counts as sealed',
  ({ block, step, said }) => {
    FAULTS[step]();
    syncBuiltinESMExports();
    expect(() => sealProven(block, into())).toThrow(new FormatError(said));
  },
);
