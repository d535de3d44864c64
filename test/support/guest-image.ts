import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { buildGuest, findGuest, type GuestImage } from '../../local/guest/build.mjs';

const execute = promisify(execFile);

/** Where set-up keeps what it builds (the rule of setup/cache.mjs). */
export function guestCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'understudy');
}

/** The guest image of this host; built first where set-up has not done so. */
export async function guestImage(): Promise<GuestImage> {
  const cacheDir = guestCacheFolder();
  return (await findGuest({ cacheDir })) ?? (await buildGuest({ cacheDir }));
}

/** A folder of its own with fresh copies of both disks. */
export async function copyGuestDisks(guest: GuestImage): Promise<{ dir: string; root: string; data: string }> {
  // Short: a socket's path has at most 107 characters.
  const dir = await mkdtemp(join(tmpdir(), 'guest-'));
  const disks = { dir, root: join(dir, 'root.img'), data: join(dir, 'data.img') };
  await execute('cp', ['--sparse=always', '--reflink=auto', guest.root, disks.root]);
  await execute('cp', ['--sparse=always', '--reflink=auto', guest.data, disks.data]);
  return disks;
}
