import { constants } from 'node:fs';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode, VaultError } from '../errors.ts';

/**
 * Gives a synced file its final name, and syncs the folder. EEXIST or TargetExists when something stands there: link and
 * not rename, which would replace what somebody put there meanwhile.
 */
export async function publishFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    // force: whoever finds the finished file beside its first name may have taken that away already.
    await rm(from, { force: true });
  } catch (error) {
    // exFAT and some network file systems have no links; then a race with another program is all that remains.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error) ?? '')) throw error;
    if (await lstat(to).catch(ifAbsent)) throw new VaultError('TargetExists', `${to} came into being meanwhile`);
    await rename(from, to);
  }
  const folder = await open(dirname(to), constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync().finally(() => folder.close());
}

/** For `catch`: undefined when there is nothing of that name. */
export function ifAbsent(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT') return undefined;
  throw error;
}
