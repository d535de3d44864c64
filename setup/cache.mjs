// @ts-check
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { readProcessIdentity } from './process-identity.mjs';

export { cacheFolder } from '../src/qemu/cache-folder.mjs';

/**
 * The folder `<cacheDir>/<key>`, made by `make` when it is not there yet. It appears by a rename, so it is whole or absent
 * however many set-ups run or are killed; the lock only spares two of them the same work.
 * @param {{ cacheDir: string, key: string, make: (folder: string) => Promise<void>, note: (text: string) => void,
 *   signal?: AbortSignal }} request
 * @returns {Promise<{ folder: string, cached: boolean }>}
 */
export async function ensureCached({ cacheDir, key, make, note, signal }) {
  const folder = join(cacheDir, key);
  if (existsSync(folder)) return { folder, cached: true };
  return withLock(
    `${folder}.lock`,
    async () => {
      if (existsSync(folder)) return { folder, cached: true };
      await removeAbandoned(cacheDir, key);
      await publish(folder, make);
      return { folder, cached: false };
    },
    {
      onWait: (pid) => note(`waiting for another set-up (process ${pid}) that is making it`),
      ...(signal && { signal }),
    },
  );
}

/**
 * @param {string} folder
 * @param {(folder: string) => Promise<void>} make
 */
async function publish(folder, make) {
  const unfinished = `${folder}.unfinished-${process.pid}-${randomBytes(4).toString('hex')}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await make(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another set-up has published the same key: as good as ours.
    if (!existsSync(folder)) throw error;
  }
}

/**
 * Removes what a killed set-up left of this key.
 * @param {string} cacheDir
 * @param {string} key
 */
async function removeAbandoned(cacheDir, key) {
  for (const name of await readdir(cacheDir)) {
    const [, pid] = name.startsWith(`${key}.unfinished-`) ? (/unfinished-(\d+)-/.exec(name) ?? []) : [];
    if (pid === undefined || readProcessIdentity(Number(pid))) continue;
    await rm(join(cacheDir, name), { recursive: true, force: true });
  }
}
