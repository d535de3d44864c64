import { readdir } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/vault-fixture.ts';
import { runFake } from './fake-deps.ts';

test('a folder is fit; each line says what was found, and what is missing what it means and what to do', async () => {
  const folder = await temporaryFolder();
  const { exitCode, stdout } = await runFake(['vault', 'check', pathToFileURL(folder).href], {});
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^fit +write and read: 1 MiB was written/);
  expect(stdout).toMatch(/missing +lock: a folder has neither versions nor locks\n +so +whoever.*\n +do +copy/);
  expect(stdout).toMatch(/fit {2}file:.*: 7 fit, 1 missing, 0 broken, 0 not checked\n$/);
  expect((await readdir(folder)).filter((name) => !name.startsWith('.'))).toEqual([]);
});

test('where a lock is demanded a folder is unfit: exit code 1, for programs too', async () => {
  const url = pathToFileURL(await temporaryFolder()).href;
  const { exitCode, json } = await runFake(['vault', 'check', url, '--must-lock', '--json'], {});
  expect(exitCode).toBe(1);
  expect(json[0]).toMatchObject({ type: 'item', name: 'write and read', verdict: 'fit' });
  expect(json.at(-1)).toMatchObject({ type: 'result', url, verdict: 'unfit', left: [] });
});

test('what is no URL of a store is wrong usage', async () => {
  const { exitCode, stderr } = await runFake(['vault', 'check', 'ftp://x'], {});
  expect(exitCode).toBe(2);
  expect(stderr).toContain('s3://bucket/prefix');
});
