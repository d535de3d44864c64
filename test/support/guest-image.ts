import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildGuest, type GuestImage } from '../../local/guest/build.mjs';

const execute = promisify(execFile);

/** The guest image of this host; built first where set-up has not done so. */
export function guestImage(): Promise<GuestImage> {
  return buildGuest({ cacheDir: join(homedir(), '.cache', 'understudy') });
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
