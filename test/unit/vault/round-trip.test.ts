import { expect, test, vi } from 'vitest';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import { archiveShard, beginRun, openVolume, readPoint } from '../../../src/vault/index.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { backUp, NEVER, RUN_ID, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { noise, type TestVolume, testVolume, text, zeros } from '../../support/vault-volume.ts';

// Sealing 40 MiB takes a second alone, and much longer beside a machine that boots.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** 8,192 + 40 blocks, so two segments: enough noise for two packs, text, written zeros, and holes. */
function mixedVolume(): TestVolume {
  const written = new Map<number, Uint8Array>();
  for (let index = 0; index < 85; index++)
    written.set(index * 3, index % 7 === 0 ? text(`row ${index}`) : noise(index));
  written.set(1, zeros());
  written.set(8191, noise('last of the first segment'));
  written.set(8192 + 39, text('last of all'));
  return testVolume(8192 + 40, written);
}

async function expectSame(vault: Vault, volume: TestVolume): Promise<void> {
  const archived = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  const left = new Map([...volume.written].filter(([index]) => index !== 1));
  expect(archived.volumeBytes).toBe(volume.volumeBytes);
  for await (const { index, bytes } of archived.blocks({ from: 0, to: volume.volumeBytes / BLOCK_BYTES }, NEVER)) {
    expect(Buffer.compare(bytes, left.get(index) ?? zeros()), `block ${index}`).toBe(0);
    left.delete(index);
  }
  expect([...left.keys()]).toEqual([]);
}

test('what was archived is read back byte for byte: packs, two segments, text, noise and holes', async () => {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  const volume = mixedVolume();
  const manifest = await backUp(vault, { 'vol-1': volume }, { shardSegments: 2 });
  expect(await readPoint({ vault, pointId: RUN_ID, signal: NEVER })).toEqual(manifest);
  expect(manifest.volumes[0]?.map).toMatchObject({ storedBlocks: 87, packs: 3 });
  await expectSame(vault, volume);
});

test('bytes at any offset are those of the volume, across blocks, holes and the end of a segment', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const volume = mixedVolume();
  await backUp(vault, { 'vol-1': volume });
  const { source } = await openVolume({ vault, pointId: RUN_ID, volumeId: 'vol-1', signal: NEVER });
  const byteOf = (offset: number) => volume.written.get(Math.floor(offset / BLOCK_BYTES))?.[offset % BLOCK_BYTES] ?? 0;
  for (const [offset, length] of [
    [0, 10],
    [BLOCK_BYTES - 5, 20],
    [8191 * BLOCK_BYTES + 500_000, 50_000],
    [volume.volumeBytes - 7, 7],
    [3, 0],
  ] as const) {
    const found = await source.readAt(offset, length, NEVER);
    expect(
      Buffer.compare(
        found,
        Uint8Array.from({ length }, (_, i) => byteOf(offset + i)),
      ),
      `at ${offset}`,
    ).toBe(0);
  }
  await expect(source.readAt(volume.volumeBytes - 1, 2, NEVER)).rejects.toThrow(RangeError);
});

test('a finished shard is found by its record: a second attempt reads nothing', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const source = mixedVolume();
  await beginRun({ vault, session: testSession({ 'vol-1': source }), signal: NEVER });
  const request = { vault, runId: RUN_ID, volumeId: 'vol-1', shard: 1, shardSegments: 1, source, signal: NEVER };
  const first = await archiveShard(request);
  expect(source.reads).toEqual([8192 + 39]);
  expect(await archiveShard(request)).toEqual(first);
  expect(source.reads).toEqual([8192 + 39]);
});

test('two attempts at one shard at once: one wins, the other adopts its record', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const source = mixedVolume();
  await beginRun({ vault, session: testSession({ 'vol-1': source }), signal: NEVER });
  const request = { vault, runId: RUN_ID, volumeId: 'vol-1', shard: 0, shardSegments: 2, source, signal: NEVER };
  const [first, second] = await Promise.all([archiveShard(request), archiveShard(request)]);
  expect(source.reads.length).toBeGreaterThan(source.written.size);
  expect(second).toEqual(first);
});
