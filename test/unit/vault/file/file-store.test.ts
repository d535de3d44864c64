import { chmod, readdir, writeFile } from 'node:fs/promises';
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
