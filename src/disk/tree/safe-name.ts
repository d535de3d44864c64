import type { ByteString } from './file-tree.ts';

/** A name that is one segment of a path and nothing else; whatever else a disk calls a name is refused by readers. */
export function isSafeName(name: ByteString): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}
