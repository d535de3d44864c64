import { execFileSync } from 'node:child_process';
import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 2 ** 20;
/** The smallest that mkfs.xfs makes is 300 MiB; nearly all of it are holes. */
const IMAGE_BYTES = 320 * MIB;
export const XFS_FOLDER_FILES = 500;

/** An XFS with a file, a link, and a folder too large for its inode; made by mkfs.xfs alone, so it needs no root. */
export function xfsImage(dir: string, content: Uint8Array): string {
  const made = mkdtempSync(join(dir, 'xfs-'));
  const [image, file, prototype] = ['xfs.img', 'file', 'prototype'].map((name) => join(made, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, content);
  const many = Array.from({ length: XFS_FOLDER_FILES }, (_, i) => `f${i} ---600 ${i} 7 /dev/null`);
  // mkfs.xfs(8), "prototype file": a boot program and sizes, both unused, then a tree.
  const tree = [
    'd--755 0 0',
    `data ---640 1000 1001 ${file}`,
    'link l--777 0 0 data',
    'many d--700 0 0',
    ...many,
    '$',
    '$',
  ];
  writeFileSync(prototype, ['/dev/null', '0 0', ...tree, ''].join('\n'));
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  execFileSync('mkfs.xfs', ['-q', '-p', prototype, image]);
  return image;
}
