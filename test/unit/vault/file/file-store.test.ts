import { chmod, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createFileStore } from '../../../../src/vault/file/file-store.ts';
import { NEVER, temporaryFolder } from '../../../support/vault-fixture.ts';
import { testNoLocks, testObjectStore } from '../../../support/vault-store-conformance.ts';

vi.setConfig({ testTimeout: 30_000 });

describe('a folder', () => testObjectStore(async () => createFileStore(await temporaryFolder())));
describe('a folder, asked to lock,', () => testNoLocks(async () => createFileStore(await temporaryFolder())));

test('nothing is left beside the objects, neither after a create nor after a lost race', async () => {
  const folder = await temporaryFolder();
  const store = createFileStore(folder);
  await store.create('a.json', new Uint8Array([1]), NEVER);
  await store.create('a.json', new Uint8Array([2]), NEVER).catch(() => {});
  expect((await readdir(folder)).sort()).toEqual(['.incoming', 'a.json']);
  expect(await readdir(join(folder, '.incoming'))).toEqual([]);
});

test('a file where a folder must be is an error that names key, store and remedy', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'runs'), 'in the way');
  await chmod(folder, 0o700);
  const create = createFileStore(folder).create('runs/r/session.json', new Uint8Array([1]), NEVER);
  await expect(create).rejects.toThrow(/runs\/r\/session\.json/);
});

test('a file where the vault should be says that the folder cannot be made, and not that an object is missing', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'passwd'), 'a file');
  const bytes = new Uint8Array([1]);
  const create = createFileStore(join(folder, 'passwd')).create('keys/1.json', bytes, NEVER);
  await expect(create).rejects.toMatchObject({ code: 'VaultRefused' });
  await expect(create).rejects.toThrow(/passwd\/keys cannot be made \(ENOTDIR\): a file is in its way/);
  // A link to a disk that is not mounted may be right a moment later.
  await symlink(join(folder, 'not-mounted'), join(folder, 'disk'));
  const unmounted = createFileStore(join(folder, 'disk')).create('keys/1.json', bytes, NEVER);
  await expect(unmounted).rejects.toMatchObject({ code: 'VaultUnreachable' });
  await expect(unmounted).rejects.toThrow(/cannot be made \(ENOENT\)/);
});

test('an object that the disk cannot give back is damaged, and says nothing against the others', async () => {
  const folder = await temporaryFolder();
  const store = createFileStore(folder);
  // The kernel answers a read at the start of this file with EIO, as it does for a bad sector.
  await symlink('/proc/self/mem', join(folder, 'sector.pack'));
  await symlink('loop.pack', join(folder, 'loop.pack'));
  const damaged = { code: 'ObjectDamaged' };
  await expect(store.get('sector.pack', NEVER)).rejects.toMatchObject(damaged);
  await expect(store.get('sector.pack', NEVER, { offset: 0, length: 4 })).rejects.toMatchObject(damaged);
  await expect(store.get('loop.pack', NEVER)).rejects.toMatchObject(damaged);
  const create = store.create('sector.pack', new Uint8Array([1]), NEVER);
  await expect(create).rejects.toMatchObject({ code: 'ObjectExists' });
});

test('an object that is removed while its folder is listed is passed over', async () => {
  const folder = await temporaryFolder();
  const store = createFileStore(folder);
  for (const name of ['1', '2', '3']) await store.create(`a/${name}.json`, new Uint8Array([1]), NEVER);
  const found: string[] = [];
  for await (const { key } of store.list('', NEVER)) {
    found.push(key);
    await rm(join(folder, 'a/2.json'), { force: true });
  }
  expect(found).toEqual(['a/1.json', 'a/3.json']);
});

test('what has no name of an object is not listed: nobody could read it', async () => {
  const folder = await temporaryFolder();
  const store = createFileStore(folder);
  await store.create('a/1.json', new Uint8Array([1]), NEVER);
  await mkdir(join(folder, 'a/copy of b'));
  for (const name of ['a/1.json~', 'a/x y.json', 'a/copy of b/1.json']) await writeFile(join(folder, name), '?');
  const found: string[] = [];
  for await (const { key } of store.list('', NEVER)) found.push(key);
  expect(found).toEqual(['a/1.json']);
});

test('what killed processes left half-written goes with the first create of a later one, young files stay', async () => {
  const folder = await temporaryFolder();
  const incoming = join(folder, '.incoming');
  await mkdir(incoming);
  for (const name of ['old', 'young']) await writeFile(join(incoming, name), 'half');
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
  await utimes(join(incoming, 'old'), daysAgo(8), daysAgo(8));
  await utimes(join(incoming, 'young'), daysAgo(6), daysAgo(6));
  const store = createFileStore(folder);
  await store.create('a.json', new Uint8Array([1]), NEVER);
  expect(await readdir(incoming)).toEqual(['young']);
  // Once a process: a look at every create would list the folder for each pack.
  await utimes(join(incoming, 'young'), daysAgo(8), daysAgo(8));
  await store.create('b.json', new Uint8Array([1]), NEVER);
  expect(await readdir(incoming)).toEqual(['young']);
});
