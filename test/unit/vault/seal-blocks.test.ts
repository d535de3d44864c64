import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { BlockSource } from '../../../src/vault/block-source.ts';
import { archiveShard, beginRun, openVolume } from '../../../src/vault/index.ts';
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
  const { blocks } = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  const found: number[] = [];
  for await (const { index, bytes } of blocks({ from: 0, to: BLOCKS }, NEVER)) {
    found.push(index);
    expect(Buffer.compare(bytes, volume.written.get(index) ?? zeros())).toBe(0);
  }
  expect(found).toEqual(Array.from({ length: BLOCKS }, (_, i) => i).filter((i) => i % 3 !== 2));
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
