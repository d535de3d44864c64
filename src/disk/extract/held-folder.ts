import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { systemCode } from '../../errors.ts';
import type { ByteString } from '../tree/file-tree.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * A folder of this machine that is held open: what is made in it lands there and nowhere else, whatever anybody puts at
 * its path meanwhile. Node has no openat(2), but Linux resolves names below /proc/self/fd/<n> from the open folder. On
 * other systems names are resolved from its path, which is safe only while nobody else writes there.
 */
export interface HeldFolder {
  /** Path of a name in it, for one system call. */
  at(name: ByteString): Buffer;
  /** Makes a folder, or takes the one that is there; a link of that name is refused by the kernel. */
  enter(name: ByteString): Promise<HeldFolder>;
  readonly handle: FileHandle;
  close(): Promise<void>;
}

export async function holdFolder(path: string | Buffer): Promise<HeldFolder> {
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const base = process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${handle.fd}`) : Buffer.from(path);
  const at = (name: ByteString) => Buffer.concat([base, Buffer.from('/'), Buffer.from(name, 'latin1')]);
  return {
    at,
    handle,
    async enter(name) {
      try {
        await mkdir(at(name), 0o700); // nobody else enters before its own mode is set
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
      return holdFolder(at(name));
    },
    close: () => handle.close(),
  };
}
