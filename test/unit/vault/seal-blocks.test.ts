import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { BlockSource } from '../../../src/vault/block-source.ts';
import { archiveShard, beginRun, openVolume } from '../../../src/vault/index.ts';
import { openRun } from '../../../src/vault/run.ts';
import { sealBlocks } from '../../../src/vault/seal-blocks.ts';
import { blockIdOf } from '../../../src/vault/sealed-block.ts';
import { BATCHES } from '../../../src/vault/threads.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { backUp, NEVER, RUN_ID, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { noise, type TestVolume, testVolume, text, zeros } from '../../support/vault-volume.ts';

const BLOCKS = 22;
// Threads start and seal; on a busy machine that takes seconds.
vi.setConfig({ testTimeout: 60_000 });

function mixed(): TestVolume {
  const kinds = [noise, (i: number) => text(`row ${i}`), zeros];
  return testVolume(BLOCKS, new Map(Array.from({ length: BLOCKS }, (_, i) => [i, kinds[i % 3]?.(i) ?? zeros()])));
}

function archive(vault: Vault, source: BlockSource, signal = NEVER) {
  return archiveShard({ vault, runId: RUN_ID, volumeId: 'vol-1', shard: 0, shardSegments: 1, source, signal });
}

async function begun(volume: TestVolume): Promise<Vault> {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  await beginRun({ vault, session: testSession({ 'vol-1': volume }), signal: NEVER });
  return vault;
}

async function restored(vault: Vault): Promise<ReadonlyMap<number, Uint8Array>> {
  const { blocks } = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  const found = new Map<number, Uint8Array>();
  for await (const { index, bytes } of blocks({ from: 0, to: BLOCKS }, NEVER)) found.set(index, bytes);
  return found;
}

test('a source may fill the room it is given or bring its own bytes; both are read back', async () => {
  const volume = mixed();
  const alternating: TestVolume = {
    ...volume,
    async read(ref, signal, room) {
      const bytes = await volume.read(ref, signal);
      if (!room || ref.index % 2 === 0) return bytes;
      room.set(bytes);
      return room;
    },
  };
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  await backUp(vault, { 'vol-1': alternating });
  const found = await restored(vault);
  for (const [index, bytes] of found) expect(Buffer.compare(bytes, volume.written.get(index) ?? zeros())).toBe(0);
  expect([...found.keys()]).toEqual(Array.from({ length: BLOCKS }, (_, i) => i).filter((i) => i % 3 !== 2));
});

test('a shard that fails while it reads gives every batch back, so the attempts after it go on', async () => {
  const volume = mixed();
  const vault = await begun(volume);
  const failing: TestVolume = {
    ...volume,
    read: (ref, signal) => (ref.index === 13 ? Promise.reject(new Error('no block 13')) : volume.read(ref, signal)),
  };
  // One more attempt than there are batches: one lost in each would leave none.
  for (let attempt = 0; attempt <= BATCHES; attempt++)
    await expect(archive(vault, failing)).rejects.toThrow('no block');
  expect(await archive(vault, volume)).toMatchObject({ blocksRead: BLOCKS });
});

test('a failed shard waits for the reads that are under way: none writes into a batch of another', async () => {
  const volume = mixed();
  const vault = await begun(volume);
  let underWay = 0;
  const slow: TestVolume = {
    ...volume,
    async read(ref, signal) {
      if (ref.index === 1) throw new Error('no block 1');
      underWay++;
      await nextTurn();
      await nextTurn();
      underWay--;
      return volume.read(ref, signal);
    },
  };
  await expect(archive(vault, slow)).rejects.toThrow('no block 1');
  expect(underWay).toBe(0);
});

test('an aborted shard ends with the reason of the abort, and the vault can be used again', async () => {
  const volume = mixed();
  const vault = await begun(volume);
  const stop = new AbortController();
  const stopping: TestVolume = {
    ...volume,
    async read(ref, signal) {
      if (ref.index === 9) stop.abort(new Error('enough'));
      return volume.read(ref, signal);
    },
  };
  await expect(archive(vault, stopping, stop.signal)).rejects.toThrow('enough');
  expect(await archive(vault, volume)).toMatchObject({ blocksRead: BLOCKS });
});

test('a source that gives half a block is refused by name', async () => {
  const volume = mixed();
  const vault = await begun(volume);
  const short = { ...volume, read: async () => new Uint8Array(1000) };
  await expect(archive(vault, short)).rejects.toThrow('the source gave 1000 bytes for block 0');
});

/** Beside its blocks it announces their digests; `damaged` of them arrive otherwise, when they are not compared. */
function announcing(volume: TestVolume, damaged: ReadonlyMap<number, Uint8Array> = new Map()): AnnouncingVolume {
  const received: number[] = [];
  return {
    ...volume,
    received,
    async receive({ index }, _, room) {
      received.push(index);
      const whole = volume.written.get(index) ?? zeros();
      room.set(damaged.get(index) ?? whole);
      return { bytes: room, sha256: hash('sha256', whole, 'buffer') };
    },
  };
}

interface AnnouncingVolume extends TestVolume {
  readonly received: number[];
}

test.each([true, false])('announced digests are the ids of what is stored (opened again: %s)', async (verifySealed) => {
  const source = announcing(mixed());
  const vault = { ...(await testVault({ store: memoryStore(), keys: await testKeys() })), verifySealed };
  await backUp(vault, { 'vol-1': source });
  expect(source.received).toHaveLength(BLOCKS);
  expect(source.reads).toEqual([]);
  const plain = await testVault({ store: memoryStore(), keys: await testKeys() });
  await backUp(plain, { 'vol-1': mixed() });
  const [found, wanted] = [await restored(vault), await restored(plain)];
  expect([...found.keys()]).toEqual([...wanted.keys()]);
  for (const [index, bytes] of found) expect(Buffer.compare(bytes, wanted.get(index) ?? zeros())).toBe(0);
});

function flipped(block: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(block);
  bytes[100_000] = (bytes[100_000] ?? 0) ^ 1;
  return bytes;
}

// Of `mixed`: noise, text, zeros.
test.each([
  { what: 'a flipped bit in noise', index: 3, arrives: flipped },
  { what: 'a flipped bit in text', index: 4, arrives: flipped },
  { what: 'zeros in place of data', index: 4, arrives: zeros },
  { what: 'one byte in a block of zeros', index: 5, arrives: flipped },
])('$what is not what was announced: its batch is read once more and compared', async ({ index, arrives }) => {
  for (const verifySealed of [true, false]) {
    const volume = mixed();
    const source = announcing(volume, new Map([[index, arrives(volume.written.get(index) ?? zeros())]]));
    const vault = { ...(await testVault({ store: memoryStore(), keys: await testKeys() })), verifySealed };
    await backUp(vault, { 'vol-1': source });
    expect(source.reads).toContain(index);
    expect(source.reads.length).toBeLessThan(BLOCKS);
    for (const [at, bytes] of await restored(vault))
      expect(Buffer.compare(bytes, volume.written.get(at) ?? zeros())).toBe(0);
  }
});

test("a block that is announced as the parent's, and arrives otherwise, is not taken for the same", async () => {
  const volume = mixed();
  const vault = await begun(volume);
  const run = await openRun(vault, RUN_ID, NEVER);
  const blockId = vault.keys.data(1, 'block-id');
  const expectedId = (index: number) => blockIdOf(volume.written.get(index) ?? zeros(), { blockId });
  const source = announcing(volume, new Map([[3, flipped(noise(3))]]));
  const refs = volume.blocks({ from: 0, to: 4 }, NEVER);
  const sealed = sealBlocks(run, { source, refs, range: { from: 0, to: 4 }, expectedId }, NEVER);
  for await (const { same } of sealed) expect(same).toEqual([0, 1, 3]);
  expect(source.reads).toEqual([0, 1, 2, 3]);
});

test('a source that goes on giving something else than it announces fails the shard with its own error', async () => {
  const volume = mixed();
  const vault = await begun(volume);
  const read = () => Promise.reject(new Error('damaged in every attempt'));
  const source = { ...announcing(volume, new Map([[3, flipped(noise(3))]])), read };
  await expect(archive(vault, source)).rejects.toThrow('damaged in every attempt');
});
