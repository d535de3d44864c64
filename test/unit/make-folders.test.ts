import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolders } from '../../src/make-folders.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-folders-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('all that is missing is made, and the first of it named', async () => {
  expect(await makeFolders(join(folder, 'a', 'b', 'c'), { mode: 0o700 })).toBe(join(folder, 'a'));
  expect(await makeFolders(join(folder, 'a', 'b', 'c'))).toBeUndefined();
  expect(await makeFolders(join(folder, 'a', 'b', 'd'))).toBe(join(folder, 'a', 'b', 'd'));
  expect((await stat(join(folder, 'a', 'b'))).mode & 0o777).toBe(0o700);
});

test('many that make the same folders side by side all succeed', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => makeFolders(join(folder, 'a', 'b', 'c'))));
  expect(made.filter((first) => first === join(folder, 'a'))).toHaveLength(1);
});

test('a link to a folder is one', async () => {
  await mkdir(join(folder, 'disk'));
  await symlink('disk', join(folder, 'link'));
  expect(await makeFolders(join(folder, 'link'))).toBeUndefined();
  expect(await makeFolders(join(folder, 'link', 'a'))).toBe(join(folder, 'link', 'a'));
});

test.each([
  { where: 'a link to nothing', path: (at: string) => join(at, 'nowhere') },
  { where: 'below a link to nothing', path: (at: string) => join(at, 'nowhere', 'a', 'b') },
  { where: 'below /proc', path: () => '/proc/understudy/a' },
])('$where it ends with ENOENT', async ({ path }) => {
  await symlink('unmounted', join(folder, 'nowhere'));
  await expect(makeFolders(path(folder))).rejects.toThrow(/ENOENT/);
});

test.each([
  { path: 'file', code: /EEXIST/ },
  { path: 'file/a', code: /ENOTDIR/ },
])('where a file is in the way ($path) it ends with $code', async ({ path, code }) => {
  await writeFile(join(folder, 'file'), '');
  await expect(makeFolders(join(folder, path))).rejects.toThrow(code);
});
