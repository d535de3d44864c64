import { systemCode, VaultError } from '../../errors.ts';
import { missing } from '../whole-object.ts';

// A sector that cannot be read or a checksum of btrfs or ZFS that does not match (EIO), one of XFS or ext4 (EUCLEAN, EBADMSG),
// a name that leads to itself. It stays so, and says nothing of the objects beside it.
const UNREADABLE = new Set(['EIO', 'EUCLEAN', 'EBADMSG', 'ELOOP']);

/** As guard, for what reads one object. */
export function guardRead<T>(key: string, url: string, work: () => Promise<T>): Promise<T> {
  return guard(key, url, async () => {
    try {
      return await work();
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || !UNREADABLE.has(code)) throw error;
      const message = `${key} in ${url} cannot be read (${code}); check the disk, and restore the object from a copy of the vault`;
      throw new VaultError('ObjectDamaged', message, { context: { key, code }, cause: error });
    }
  });
}

/** What the system says of a file or folder, translated once; cancellation and our own errors pass unchanged. */
export async function guard<T>(key: string, url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error, key, url);
  }
}

function translate(error: unknown, key: string, url: string): unknown {
  const code = systemCode(error);
  if (code === undefined || code === 'ABORT_ERR') return error;
  const context = { key, code };
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return missing(key, url, error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new VaultError(
      'AccessDenied',
      `${key} in ${url}: the folder may not be used (${code}); check its owner and mode`,
      {
        context,
        cause: error,
      },
    );
  }
  return new VaultError('VaultUnreachable', `${key} in ${url}: ${code}; check the disk's space and health`, {
    context,
    cause: error,
  });
}

interface NewFolder {
  readonly key: string;
  readonly path: string;
  readonly url: string;
}

/** While the folders of a new object are made: what is missing or in the way then is no object. */
export async function guardFolders({ key, path, url }: NewFolder, make: () => Promise<void>): Promise<void> {
  try {
    await make();
  } catch (error) {
    const code = systemCode(error);
    const what = `${key} in ${url}: the folder ${path} cannot be made (${code})`;
    const details = { context: { key, path }, cause: error };
    if (code === 'ENOTDIR' || code === 'EEXIST')
      throw new VaultError('VaultRefused', `${what}: a file is in its way; correct the vault's URL`, details);
    // Also what a link to a disk says that is not mounted, which can change.
    if (code === 'ENOENT')
      throw new VaultError('VaultUnreachable', `${what}; correct the vault's URL, or mount its disk`, details);
    throw error;
  }
}
