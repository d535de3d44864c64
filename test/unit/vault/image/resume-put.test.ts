import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { BLOCK_BYTES, openVolume, type PutImageRequest, putImage, type Vault } from '../../../../src/vault/index.ts';
import { writeImage } from '../../../support/raw-image.ts';
import { movingClock } from '../../../support/vault-clock.ts';
import { dyingStore } from '../../../support/vault-faulty-store.ts';
import { NEVER, NOW, temporaryFolder, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { noise } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const SEGMENT = 8192;

/** An image of two segments with a block in each, and a put of it that died after the first segment's record. */
async function interrupted() {
  const folder = await temporaryFolder();
  const blocks = new Map([
    [1, noise(1)],
    [SEGMENT + 1, noise(2)],
  ]);
  const path = await writeImage(join(folder, 'a.img'), (SEGMENT + 2) * BLOCK_BYTES, blocks);
  await writtenAt(path, -60_000);
  const store = memoryStore();
  const keys = await testKeys();
  await testVault({ store, keys }); // so that the creates below are those of the run
  // Session, pack, segment, shard record: the fifth is the second segment's pack.
  const dying = await testVault({ store: dyingStore(store, { dieAt: 5, stored: false }), keys });
  let runId = '';
  const onBegun = (id: string) => {
    runId = id;
  };
  await expect(put(dying, path, { onBegun })).rejects.toThrow(/died at create 5.*pack/);
  return { blocks, path, runId, vault: await testVault({ store, keys, seed: 'later' }), store };
}

const writtenAt = (path: string, ms: number) => {
  const at = new Date(Date.parse(NOW) + ms);
  return utimes(path, at, at);
};

function put(vault: Vault, path: string, more: Partial<PutImageRequest> = {}) {
  const names = { machineId: 'm1', name: null, volumeId: 'disk0', toolVersion: 'test' };
  return putImage({ vault, path, ...names, signal: NEVER, ...more });
}

test('a put that died is gone on with: finished segments are not read again, and the point is whole', async () => {
  const { blocks, path, runId, vault, store } = await interrupted();
  let bytesRead = 0;
  const onProgress = (progress: { readonly bytesRead: number }) => {
    bytesRead = progress.bytesRead;
  };
  const manifest = await put(vault, path, { resume: runId, onProgress });
  expect([manifest.pointId, bytesRead]).toEqual([runId, BLOCK_BYTES]);
  expect([...store.objects.keys()].filter((key) => key.endsWith('session.json'))).toHaveLength(1);
  const volume = await openVolume({ vault, pointId: runId, volumeId: 'disk0', signal: NEVER });
  const found: [number, boolean][] = [];
  for await (const { index, bytes } of volume.blocks({ from: 0, to: SEGMENT + 2 }, NEVER)) {
    found.push([index, Buffer.compare(bytes, blocks.get(index) ?? new Uint8Array()) === 0]);
  }
  expect(found).toEqual([...blocks.keys()].map((index) => [index, true]));
  // Once more is the same point: its commit was only a lost reply.
  expect((await put(vault, path, { resume: runId })).committedAt).toBe(manifest.committedAt);
});

test('an image that was written to since is not gone on with: the point would be of no moment', async () => {
  const { path, runId, vault } = await interrupted();
  await writtenAt(path, 1000);
  await expect(put(vault, path, { resume: runId })).rejects.toMatchObject({ code: 'SourceUnusable' });
});

test.each([
  { what: 'another machine', more: { machineId: 'm2' }, says: /of machine m1, not m2/ },
  { what: 'another disk', more: { volumeId: 'disk1' }, says: /of volume disk0, not disk1/ },
  {
    what: 'a list of changes, where every block was read',
    more: { changed: { pointId: '20261101T000000Z-00000001', list: async () => new Set<number>() as never } },
    says: /begun with these changes: all/,
  },
])('$what is not what the run had begun with', async ({ more, says }) => {
  const { path, runId, vault } = await interrupted();
  await expect(put(vault, path, { resume: runId, ...more })).rejects.toThrow(says);
});

test('a run that the collector has ended, or that never was, is said to be so', async () => {
  const { path, vault } = await interrupted();
  const resume = '20261101T000000Z-00000099';
  await expect(put(vault, path, { resume })).rejects.toMatchObject({ code: 'ObjectMissing' });
});

test('after a list of changes has lied, the next put reads every block by itself, and the one after believes again', async () => {
  const folder = await temporaryFolder();
  const clock = movingClock();
  const vault = await testVault({ store: memoryStore(), keys: await testKeys(), clock });
  const path = join(folder, 'a.img');
  const nothing = async () => new Set<number>() as never;
  const said: string[] = [];
  const next = async (block: number, since?: string) => {
    clock.advance(60_000);
    await writeImage(path, 2 * BLOCK_BYTES, new Map([[0, noise(`content ${block}`)]]));
    const changed = since === undefined ? {} : { changed: { pointId: since, list: nothing } };
    return put(vault, path, { ...changed, onReadAll: (reason) => void said.push(reason) });
  };
  const first = await next(1);
  await expect(next(2, first.pointId)).rejects.toMatchObject({ code: 'AuditFailed' });
  const third = await next(3, first.pointId);
  expect(said).toEqual([expect.stringMatching(/found block 0 of disk0 changed that was said not to be/)]);
  expect(third.machine.facts['understudy.pointsByHints']).toBe(0);
  const fourth = await next(3, third.pointId);
  expect([said.length, fourth.machine.facts['understudy.pointsByHints']]).toEqual([1, 1]);
});
