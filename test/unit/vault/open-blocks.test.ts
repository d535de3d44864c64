import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MAX_SEALED_BLOCK_BYTES, sealBlock } from '../../../src/vault/sealed-block.ts';
import { sharedThreads } from '../../support/shared-threads.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, text } from '../../support/vault-volume.ts';

const KEYS = {
  vaultId: '407e6ee8-94a1-4786-9106-0305852ce135',
  block: seededBytes('b')(32),
  blockId: seededBytes('i')(32),
};
const BLOCKS = [noise(1), text('hello')];

/** As one job of a thread, with one bit changed at `damagedAt`, counted over all sealed bytes. */
async function open({ onlyProve, damagedAt }: { readonly onlyProve: boolean; readonly damagedAt?: number }) {
  const nonce = seededBytes('n')(12);
  const sealed = BLOCKS.map((block) =>
    sealBlock(block, { keys: KEYS, nonce, room: new Uint8Array(MAX_SEALED_BLOCK_BYTES) }),
  );
  const bytes = new Uint8Array(Buffer.concat(sealed.map((block) => block.sealed)));
  if (damagedAt !== undefined) bytes[damagedAt] = (bytes[damagedAt] ?? 0) ^ 1;
  let offset = 0;
  const parts = sealed.map(({ codec, blockId, sealed: { length } }) => {
    offset += length;
    return { codec, blockId, sealedBytes: length, offset: offset - length };
  });
  return sharedThreads().run({ kind: 'open', keys: KEYS, sealed: bytes.buffer, parts, onlyProve });
}

test('blocks come back from a thread with their digests, and with their bytes only if those are wanted', async () => {
  const digests = BLOCKS.map((block) => hash('sha256', block, 'buffer'));
  for (const onlyProve of [false, true]) {
    const reply = await open({ onlyProve });
    if (reply.kind !== 'opened') throw new TypeError(`asked to open, got ${reply.kind}`);
    expect(reply.blocks.map(({ sha256 }) => Buffer.from(sha256))).toEqual(digests);
    const lengths = reply.blocks.map(({ bytes }) => bytes.length);
    expect(lengths).toEqual(onlyProve ? [0, 0] : BLOCKS.map(({ length }) => length));
  }
});

test('a block that is only proven is refused like any other when one bit of it has changed', async () => {
  const first = { kind: 'failed', part: 0, isFormat: true };
  expect(await open({ onlyProve: true, damagedAt: 100 })).toMatchObject(first);
  expect(await open({ onlyProve: false, damagedAt: 100 })).toMatchObject(first);
});
