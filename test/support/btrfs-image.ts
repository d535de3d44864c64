import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What mkfs.btrfs needs at least, with room for the file; nearly all of it are holes. */
const IMAGE_BYTES = 160 * 2 ** 20;

/** What protects its blocks; btrfs knows four. */
export type BtrfsChecksum = 'crc32c' | 'xxhash' | 'sha256' | 'blake2';

/** A btrfs with a file and a link in a folder; made by mkfs.btrfs alone, so it needs no root. */
export function btrfsImage(dir: string, content: Uint8Array, checksum: BtrfsChecksum = 'crc32c'): string {
  const made = mkdtempSync(join(dir, 'btrfs-'));
  const [image, tree] = [join(made, 'btrfs.img'), join(made, 'tree')];
  mkdirSync(join(tree, 'folder'), { recursive: true });
  writeFileSync(join(tree, 'folder/data'), content, { mode: 0o640 });
  symlinkSync('data', join(tree, 'folder/link'));
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  execFileSync('mkfs.btrfs', ['-q', '--csum', checksum, '--rootdir', tree, image]);
  return image;
}
