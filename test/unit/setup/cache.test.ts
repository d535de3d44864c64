import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheFolder, ensureCached } from '../../../setup/cache.mjs';

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'understudy-cache-'));
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

test('two set-ups that need the same thing make it once, and a later one finds it', async () => {
  let made = 0;
  const request = () => ({
    cacheDir,
    key: 'k-1',
    note: () => {},
    make: async (folder: string) => writeFile(join(folder, 'program'), `made ${++made}`),
  });
  const both = await Promise.all([ensureCached(request()), ensureCached(request())]);
  expect(both.map(({ cached }) => cached).sort()).toEqual([false, true]);
  expect((await ensureCached(request())).cached).toBe(true);
  expect(await readFile(join(cacheDir, 'k-1', 'program'), 'utf8')).toBe('made 1');
});

test('what fails half-way is not taken for the thing, and nothing is left of it', async () => {
  const make = async (folder: string) => {
    await writeFile(join(folder, 'program'), 'half');
    throw new Error('disk full');
  };
  await expect(ensureCached({ cacheDir, key: 'k-1', note: () => {}, make })).rejects.toThrow('disk full');
  expect(await readdir(cacheDir)).toEqual([]);
});

test('what a killed set-up left is removed, what a live one is making stays', async () => {
  // No process has this id: it is above the kernel's limit of 4,194,304.
  await mkdir(join(cacheDir, 'k-1.unfinished-4194305-ab'));
  await mkdir(join(cacheDir, `k-1.unfinished-${process.pid}-ab`));
  await ensureCached({ cacheDir, key: 'k-1', note: () => {}, make: async () => {} });
  expect((await readdir(cacheDir)).sort()).toEqual(['k-1', `k-1.unfinished-${process.pid}-ab`]);
});

test.each([
  { env: { XDG_CACHE_HOME: '/x', HOME: '/h' }, folder: '/x/understudy' },
  { env: { XDG_CACHE_HOME: 'relative', HOME: '/h' }, folder: '/h/.cache/understudy' },
  { env: { HOME: '/h' }, folder: '/h/.cache/understudy' },
])('the cache folder of $env is $folder', ({ env, folder }) => {
  expect(cacheFolder(env)).toBe(folder);
});
