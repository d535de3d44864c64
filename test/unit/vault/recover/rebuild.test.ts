import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SHARD } from '../../../../src/vault/archive-shard.ts';
import { readDocument, sealDocument } from '../../../../src/vault/documents.ts';
import { BLOCK_BYTES, recoverPoint, type Vault, verifyVault } from '../../../../src/vault/index.ts';
import { shardKey } from '../../../../src/vault/object-keys.ts';
import { backUp, NEVER, RUN_ID, temporaryFolder, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, type TestVolume, testVolume, text } from '../../../support/vault-volume.ts';

// Each vault starts threads of its own, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const SECOND = '20261124T023107Z-9f2c0002';
/** The second segment begins here. */
const SEGMENT = 8192;
/** More than a pack of noise in the first segment, so that it names two. */
const NOISE: [number, Uint8Array][] = Array.from({ length: 70 }, (_, i) => [i, noise(`old ${i}`)]);
const disk = (more: readonly [number, Uint8Array][] = []) =>
  testVolume(SEGMENT + 40, new Map([...NOISE, [SEGMENT + 3, text('far')], ...more]));

interface Lived {
  readonly store: MemoryStore;
  readonly vault: Vault;
}

async function twoPoints(later: TestVolume): Promise<Lived> {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  const parent = await backUp(vault, { disk: disk() });
  await backUp(vault, { disk: later }, { runId: SECOND, parent });
  return { store, vault };
}

function lose({ store }: Lived, pattern: RegExp): number {
  const gone = [...store.objects.keys()].filter((key) => pattern.test(key));
  for (const key of gone) store.objects.delete(key);
  return gone.length;
}

async function mustRecover({ vault }: Lived, pointId: string, { volumeBytes, written }: TestVolume): Promise<void> {
  const folder = await temporaryFolder();
  const { missing } = await recoverPoint({ vault, pointId, folder, signal: NEVER });
  expect(missing).toEqual([]);
  const image = join(folder, 'disk.raw');
  expect((await stat(image)).size).toBe(volumeBytes);
  for (const [index, block] of written) expect((await readBlock(image, index)).equals(block), `${index}`).toBe(true);
}

async function readBlock(path: string, index: number): Promise<Buffer> {
  await using file = await open(path);
  return (await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, index * BLOCK_BYTES)).buffer;
}

test('a point whose segments are all lost is recovered by what its packs say of themselves', async () => {
  const volume = disk([
    [2, text('new')],
    [100, text('more')],
  ]);
  const lived = await twoPoints(volume);
  expect(lose(lived, /\.seg$/)).toBeGreaterThan(2);
  await mustRecover(lived, SECOND, volume);
  await mustRecover(lived, RUN_ID, disk());
});

test('a point whose map is lost is recovered by the shard records of its run', async () => {
  const volume = disk([[2, text('new')]]);
  const lived = await twoPoints(volume);
  expect(lose(lived, new RegExp(`${SECOND}/maps/`))).toBe(1);
  await mustRecover(lived, SECOND, volume);
});

test('a lost segment in which a block became a hole is not guessed at: the loss is told, the rest recovered', async () => {
  const emptied = new Map([...disk([[2, text('new')]]).written].filter(([index]) => index !== 5));
  const lived = await twoPoints(testVolume(SEGMENT + 40, emptied));
  lose(lived, new RegExp(`${SECOND}/segments/`));
  const folder = await temporaryFolder();
  const { missing } = await recoverPoint({ ...lived, pointId: SECOND, folder, keepGoing: true, signal: NEVER });
  expect(missing).toMatchObject([{ firstBlock: 0, blocks: SEGMENT, code: 'ObjectMissing' }]);
  expect((await readBlock(join(folder, 'disk.raw.partial'), SEGMENT + 3)).equals(text('far'))).toBe(true);
  const verdict = await verifyVault({ vault: lived.vault, level: 'structure', pointIds: [SECOND], signal: NEVER });
  expect(verdict.points).toMatchObject([{ verdict: 'damaged', volumes: [{ storedBlocks: 70, lostBlocks: 69 }] }]);
});

test('shard records that promise another volume than the manifest does make no map', async () => {
  const lived = await twoPoints(disk([[2, text('new')]]));
  lose(lived, new RegExp(`${SECOND}/maps/`));
  const { vault, store } = lived;
  const key = shardKey(SECOND, 'disk', 0);
  const old = await readDocument(SHARD, { vault, key: shardKey(RUN_ID, 'disk', 0) }, NEVER);
  store.objects.set(key, sealDocument(SHARD, { ...old, runId: SECOND }, { vault, key }));
  const folder = await temporaryFolder();
  const work = recoverPoint({ ...lived, pointId: SECOND, folder, signal: NEVER });
  await expect(work).rejects.toThrow(/maps\/disk-[0-9a-f]+\.map does not exist/);
});
