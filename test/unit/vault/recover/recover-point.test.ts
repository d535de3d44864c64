import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { beginRun } from '../../../../src/vault/begin-run.ts';
import { BLOCK_BYTES, commitPoint, recoverPoint, type Vault, writeEvidence } from '../../../../src/vault/index.ts';
import type { Manifest } from '../../../../src/vault/manifest.ts';
import {
  archiveAll,
  backUp,
  CONTROL,
  NEVER,
  RUN_ID,
  temporaryFolder,
  testKeys,
  testSession,
  testVault,
} from '../../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, type TestVolume, testVolume, text } from '../../../support/vault-volume.ts';

// Each vault starts threads of its own, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const ROOT_DISK = testVolume(200, new Map([[0, text('boot')], ...range(1, 70, 'a'), ...range(150, 160, 'b')]));
const DATA_DISK = testVolume(50, new Map(range(10, 14, 'c')));

function range(from: number, to: number, seed: string): [number, Uint8Array][] {
  return Array.from({ length: to - from }, (_, i) => [from + i, noise(`${seed}${i}`)]);
}

interface Backed {
  readonly store: MemoryStore;
  readonly vault: Vault;
  readonly manifest: Manifest;
  readonly folder: string;
}

async function backedUp(): Promise<Backed> {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  const manifest = await backUp(vault, { root: ROOT_DISK, data: DATA_DISK });
  return { store, vault, manifest, folder: await temporaryFolder() };
}

const recover = ({ vault, folder }: Backed, more: object = {}) =>
  recoverPoint({ vault, pointId: RUN_ID, folder, signal: NEVER, ...more });

async function mustHold(path: string, { volumeBytes, written }: TestVolume, except: readonly number[] = []) {
  const bytes = await readFile(path);
  expect(bytes.length).toBe(volumeBytes);
  for (let index = 0; index * BLOCK_BYTES < volumeBytes; index++) {
    if (except.includes(index)) continue;
    const found = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    expect(found.equals(written.get(index) ?? Buffer.alloc(BLOCK_BYTES)), `block ${index}`).toBe(true);
  }
}

test('every volume of a point becomes an image beside its manifest, readable by its owner only', async () => {
  const backed = await backedUp();
  const { volumes, missing } = await recover(backed);
  const file = (name: string) => join(backed.folder, name);
  expect(missing).toEqual([]);
  expect(volumes.map(({ path }) => path)).toEqual([file('root.raw'), file('data.raw')]);
  await mustHold(file('root.raw'), ROOT_DISK);
  await mustHold(file('data.raw'), DATA_DISK);
  expect((await stat(file('root.raw'))).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file('manifest.json'), 'utf8'))).toEqual(backed.manifest);
  expect((await readdir(backed.folder)).sort()).toEqual(['data.raw', 'manifest.json', 'root.raw']);
});

test('again costs no pack: what is finished is proven and left as it is', async () => {
  const backed = await backedUp();
  await recover(backed);
  const packs = packReads(backed.store);
  const { volumes } = await recover(backed);
  expect(volumes.map(({ bytesWritten }) => bytesWritten)).toEqual([0, 0]);
  expect(packs.bytes).toBe(0);
});

test('an interrupted recovery goes on: only blocks that are not there yet are fetched and written', async () => {
  const backed = await backedUp();
  const stop = new AbortController();
  const onProgress = ({ bytesDone }: { bytesDone: number }) => {
    if (bytesDone >= 20 * BLOCK_BYTES) stop.abort(new Error('interrupted'));
  };
  await expect(recover(backed, { signal: stop.signal, onProgress })).rejects.toThrow('interrupted');
  const packs = packReads(backed.store);
  const { volumes } = await recover(backed, { volumeIds: ['root'] });
  // The 20 that were told of, the rest of their job and six jobs of four blocks that were under way.
  const kept = (volumes[0]?.bytesKept ?? 0) / BLOCK_BYTES;
  expect(kept).toBeGreaterThanOrEqual(20);
  expect(kept).toBeLessThanOrEqual(47);
  expect(volumes[0]?.bytesWritten).toBe((80 - kept) * BLOCK_BYTES);
  expect(packs.bytes).toBeLessThan((80 - kept) * (BLOCK_BYTES + 28) + 1);
  await mustHold(join(backed.folder, 'root.raw'), ROOT_DISK);
});

test('what a partial file holds of something else is replaced, holes included', async () => {
  const backed = await backedUp();
  const partial = Buffer.alloc(210 * BLOCK_BYTES, 'somebody else');
  await writeFile(join(backed.folder, 'root.raw.partial'), partial);
  await recover(backed, { volumeIds: ['root'] });
  await mustHold(join(backed.folder, 'root.raw'), ROOT_DISK);
});

test('a file that stands in the way is not touched', async () => {
  const backed = await backedUp();
  await writeFile(join(backed.folder, 'data.raw'), 'mine');
  await expect(recover(backed)).rejects.toMatchObject({ code: 'TargetExists' });
  expect(await readFile(join(backed.folder, 'data.raw'), 'utf8')).toBe('mine');
});

test('a damaged block is named with its volume and pack; nothing half is called finished', async () => {
  const backed = await backedUp();
  const pack = flipInPack(backed.store);
  await expect(recover(backed)).rejects.toThrow(new RegExp(`root: block \\d+ .*${pack}.*--keep-going`, 's'));
  expect(await readdir(backed.folder)).toEqual(['manifest.json', 'root.raw.partial']);
});

test('with keepGoing one damaged block costs that block, and mending the pack completes the image', async () => {
  const backed = await backedUp();
  const pack = flipInPack(backed.store);
  const { missing } = await recover(backed, { keepGoing: true });
  expect(missing).toMatchObject([{ volumeId: 'root', blocks: 1, code: 'DamagedFormat', object: pack }]);
  const lost = missing.flatMap((one) => ('firstBlock' in one ? [one.firstBlock] : []));
  await mustHold(join(backed.folder, 'root.raw.partial'), ROOT_DISK, lost);
  await mustHold(join(backed.folder, 'data.raw'), DATA_DISK);
  expect(JSON.parse(await readFile(join(backed.folder, 'missing.json'), 'utf8'))).toEqual(missing);
  flipInPack(backed.store);
  const again = await recover(backed, { keepGoing: true });
  expect(again.volumes[0]).toMatchObject({ bytesWritten: BLOCK_BYTES, missing: [] });
  expect((await readdir(backed.folder)).sort()).toEqual(['data.raw', 'manifest.json', 'root.raw']);
});

test.each([
  { object: 'pack', pattern: /packs\//, code: 'ObjectMissing' },
  { object: 'segment', pattern: /segments\//, code: 'ObjectMissing' },
  { object: 'map', pattern: /maps\//, code: 'ObjectMissing' },
])('with keepGoing a missing $object costs its blocks and no other volume', async ({ object, pattern, code }) => {
  const backed = await backedUp();
  // Of a lost segment or map the packs and shard records tell the same: they are lost too.
  if (object === 'segment') cutInPack(backed.store);
  if (object === 'map') backed.store.objects.delete(`runs/${RUN_ID}/shards/root-0.json`);
  const gone = [...backed.store.objects.keys()].filter((key) => pattern.test(key) && isOf(backed, key, 'root'));
  const [first = ''] = gone;
  backed.store.objects.delete(first);
  const { missing, volumes } = await recover(backed, { keepGoing: true });
  expect(missing.length).toBeGreaterThan(0);
  for (const one of missing) expect(one).toMatchObject({ volumeId: 'root', code, object: first });
  expect(volumes[1]).toMatchObject({ missing: [] });
});

test('a pack that is cut short still gives the blocks before its end', async () => {
  const backed = await backedUp();
  const key = packOf(backed.store);
  const bytes = backed.store.objects.get(key) ?? new Uint8Array();
  backed.store.objects.set(key, bytes.subarray(0, 10 * (BLOCK_BYTES + 28)));
  const { missing } = await recover(backed, { keepGoing: true, volumeIds: ['root'] });
  const [lost] = missing;
  expect(lost).toMatchObject({ volumeId: 'root', code: 'ObjectDamaged', object: key });
  expect(lost && 'firstBlock' in lost && lost.firstBlock).toBeGreaterThan(5);
});

test('evidence is recovered below its run, and must be what the manifest refers to', async () => {
  const backed = await withEvidence('kernel: \x1b[2Jpanic\n');
  const { evidence } = await recover(backed, { evidence: true });
  const path = join(backed.folder, 'evidence', RUN_ID, 'console.txt');
  expect(evidence).toEqual([{ path, bytes: 18 }]);
  expect(await readFile(path, 'utf8')).toBe('kernel: \x1b[2Jpanic\n');
});

test('without the data root nothing is recovered, and the message says which root', async () => {
  const { store, folder } = await backedUp();
  const vault = await testVault({ store, keys: await testKeys(), roles: CONTROL });
  const work = recoverPoint({ vault, pointId: RUN_ID, folder, signal: NEVER });
  await expect(work).rejects.toMatchObject({ code: 'KeyUnusable', message: expect.stringContaining('data root') });
});

test('a point or volume that is not there is named', async () => {
  const backed = await backedUp();
  const pointId = '20200101T000000Z-00000000';
  await expect(recover(backed, { pointId })).rejects.toMatchObject({ code: 'PointMissing' });
  await expect(recover(backed, { volumeIds: ['other'] })).rejects.toThrow(/holds root, data, not other/);
  await expect(recover(backed, { pointId: 'latest', machineId: 'i-other' })).rejects.toThrow(
    /no recovery point of i-other/,
  );
  expect((await recover(backed, { pointId: 'latest' })).manifest.pointId).toBe(RUN_ID);
});

test('latest passes over a newer point that cannot be read and tells of it, whose ever it was; of older ones it tells nothing', async () => {
  const backed = await backedUp();
  const [older, newer] = ['20000101T000000Z-00000000', '20990101T000000Z-00000000'];
  for (const id of [older, newer]) await backed.store.create(`points/${id}.json`, text('torn'), NEVER);
  const told: string[] = [];
  const onUnreadable = ({ pointId }: { pointId: string }) => told.push(pointId);
  const { machineId } = backed.manifest.machine;
  const { manifest } = await recover(backed, { pointId: 'latest', machineId, onUnreadable });
  expect(manifest.pointId).toBe(RUN_ID);
  expect(told).toEqual([newer]);
});

test.each(['../x', 'a b', '', 'newest'])(
  "'%s' is refused as the id of a point, not looked for in the store",
  async (pointId) => {
    const backed = await backedUp();
    await expect(recover(backed, { pointId })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: `'${pointId}' is no id of a recovery point; 'understudy points' lists them`,
    });
  },
);

/** Counts what is read of packs from now on. */
function packReads(store: MemoryStore): { bytes: number } {
  const read = { bytes: 0 };
  const get = store.get.bind(store);
  Object.assign(store, {
    get: async (...args: Parameters<MemoryStore['get']>) => {
      const bytes = await get(...args);
      if (args[0].endsWith('.pack')) read.bytes += bytes.length;
      return bytes;
    },
  });
  return read;
}

/** The root disk's first pack is the largest object. */
function packOf(store: MemoryStore): string {
  const packs = [...store.objects].filter(([key]) => key.endsWith('.pack'));
  packs.sort(([, a], [, b]) => b.length - a.length);
  return packs[0]?.[0] ?? '';
}

/** Takes the trailer off it. */
function cutInPack(store: MemoryStore): void {
  const key = packOf(store);
  store.objects.set(key, (store.objects.get(key) ?? new Uint8Array()).subarray(0, -5000));
}

/** Twice undoes it. */
function flipInPack(store: MemoryStore): string {
  const key = packOf(store);
  const bytes = store.objects.get(key);
  const at = 20 * (BLOCK_BYTES + 28);
  if (bytes) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  return key;
}

function isOf({ store }: Backed, key: string, volumeId: string): boolean {
  if (key.endsWith('.pack')) return key === packOf(store);
  if (!key.endsWith('.seg')) return key.includes(volumeId);
  // One segment each; the root disk's lists more blocks.
  const segments = [...store.objects].filter(([name]) => name.endsWith('.seg'));
  segments.sort(([, a], [, b]) => b.length - a.length);
  return segments[0]?.[0] === key;
}

async function withEvidence(content: string): Promise<Backed> {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  const volumes = { data: DATA_DISK };
  await beginRun({ vault, session: testSession(volumes), signal: NEVER });
  const sealed = { runId: RUN_ID, name: 'console.txt', contentType: 'text/plain', bytes: Buffer.from(content) };
  const ref = await writeEvidence({ vault, ...sealed, signal: NEVER });
  const draft = await archiveAll(vault, volumes);
  const manifest = await commitPoint({ vault, draft: { ...draft, evidence: [ref] }, signal: NEVER });
  return { store, vault, manifest, folder: await temporaryFolder() };
}
