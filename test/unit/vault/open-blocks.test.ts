import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { OpenedTo } from '../../../src/vault/block-jobs.ts';
import { BLOCK_BYTES, openVolume } from '../../../src/vault/index.ts';
import { MAX_SEALED_BLOCK_BYTES, sealBlock } from '../../../src/vault/sealed-block.ts';
import { BLOCKS_PER_JOB } from '../../../src/vault/threads.ts';
import { sharedThreads } from '../../support/shared-threads.ts';
import { backUp, NEVER, RUN_ID, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, testVolume, text } from '../../support/vault-volume.ts';

const KEYS = {
  vaultId: '407e6ee8-94a1-4786-9106-0305852ce135',
  block: seededBytes('b')(32),
  blockId: seededBytes('i')(32),
};
const BLOCKS = [noise(1), text('hello')];

/** As one job of a thread, with one bit changed at `damagedAt`, counted over all sealed bytes. */
async function open(to: OpenedTo, { damagedAt }: { readonly damagedAt?: number } = {}) {
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
  return sharedThreads().run({ kind: 'open', keys: KEYS, sealed: bytes.buffer, parts, to });
}

test('blocks come back from a thread with their digests, and with their bytes only if those are wanted', async () => {
  const digests = BLOCKS.map((block) => hash('sha256', block, 'buffer'));
  for (const kind of ['reader', 'nobody'] as const) {
    const reply = await open({ kind });
    if (reply.kind !== 'opened') throw new TypeError(`asked to open, got ${reply.kind}`);
    expect(reply.blocks.map(({ sha256 }) => Buffer.from(sha256))).toEqual(digests);
    const lengths = reply.blocks.map(({ bytes }) => bytes.length);
    expect(lengths).toEqual(kind === 'nobody' ? [0, 0] : BLOCKS.map(({ length }) => length));
  }
});

test('a block that is only proven is refused like any other when one bit of it has changed', async () => {
  const first = { kind: 'failed', part: 0, isFormat: true };
  expect(await open({ kind: 'nobody' }, { damagedAt: 100 })).toMatchObject(first);
  expect(await open({ kind: 'reader' }, { damagedAt: 100 })).toMatchObject(first);
});

test('a thread puts blocks into the room it is given, one behind the other', async () => {
  const room = new SharedArrayBuffer(BLOCKS.length * BLOCK_BYTES);
  const reply = await open({ kind: 'room', room });
  expect(reply).toMatchObject({ kind: 'opened', blocks: BLOCKS.map(() => ({ bytes: { length: 0 } })) });
  expect(Buffer.compare(new Uint8Array(room), Buffer.concat(BLOCKS))).toBe(0);
});

const JOBS = 16;

async function volumeOf(written: ReadonlyMap<number, Uint8Array>) {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  await backUp(vault, { 'vol-1': testVolume(written.size, written) });
  const { blocks } = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  return blocks({ from: 0, to: written.size }, NEVER);
}

function rows(): ReadonlyMap<number, Uint8Array> {
  return new Map(Array.from({ length: JOBS * BLOCKS_PER_JOB }, (_, i) => [i, text(`row ${i}`)]));
}

test('what a reader gives back is used again for later blocks', async () => {
  const written = rows();
  const rooms = new Set<ArrayBufferLike>();
  for await (const { index, bytes, giveBack } of await volumeOf(written)) {
    expect(Buffer.compare(bytes, written.get(index) ?? text('none'))).toBe(0);
    rooms.add(bytes.buffer);
    giveBack();
  }
  expect(rooms.size).toBeLessThan(JOBS);
});

test('what a reader does not give back stays as it is, however often it gives back its neighbours', async () => {
  const written = rows();
  const kept: { readonly index: number; readonly bytes: Uint8Array }[] = [];
  for await (const block of await volumeOf(written)) {
    const isKept = kept.length % BLOCKS_PER_JOB === 0; // one of each job
    for (let times = 0; times < 2 && !isKept; times++) block.giveBack();
    kept.push(block);
  }
  const first = kept.filter((_, n) => n % BLOCKS_PER_JOB === 0);
  for (const { index, bytes } of first) expect(Buffer.compare(bytes, written.get(index) ?? text('none'))).toBe(0);
});
