import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findLeftBehind } from '../../support/left-behind.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';

test('files and processes that a run leaves are told by name, the cache of npm and tsc is not', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'node-compile-cache'));
  expect(await findLeftBehind(folder, 0)).toEqual([]);
  await writeFile(join(folder, 'key'), '');
  const named = spawn('sh', ['-c', 'read -r _', folder]);
  const inside = spawn('cat', { cwd: folder });
  const told = await findLeftBehind(folder, 0);
  named.stdin.end();
  inside.stdin.end();
  expect(told.toSorted()).toEqual(['file key', 'process cat', `process sh -c read -r _ ${folder}`]);
});

test('what goes a moment later is not left behind', async () => {
  const folder = await temporaryFolder();
  spawn('sleep', ['0.5'], { cwd: folder });
  expect(await findLeftBehind(folder)).toEqual([]);
});
