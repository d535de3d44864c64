import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Not UTF-8, and what steers a terminal. */
export const ODD_NAME = Buffer.from('line\nbreak \xff\x1b[2J', 'latin1');
export const SPARSE_BYTES = 5 * 2 ** 30 + 4;
/** A block and a hole of the same size, so often that an extent tree has several leaves. */
export const COMB = { teeth: 400, bytes: 4_096 };
/** In nanoseconds, as `files` must give it back. */
export const MTIME_NS = 1_790_000_001_123_456_789n;

export interface OddFilesRequest {
  readonly dir: string;
  readonly type?: 'ext2' | 'ext3' | 'ext4';
  /** As for mke2fs -O. */
  readonly features?: string;
  /** Names in one folder. */
  readonly many?: number;
  /** With less content, so that most of what is in use are the structures of the file system. */
  readonly lean?: true;
  readonly blockBytes?: 1024 | 4096;
  /** With bigalloc: what is allocated at a time. */
  readonly clusterBytes?: number;
}

/** A file system with a file of every odd kind; made by mke2fs and debugfs, so it needs no root. Resolves with its path. */
export function oddFilesImage({
  dir,
  type = 'ext4',
  features,
  many = 100,
  lean,
  blockBytes = 1024,
  clusterBytes,
}: OddFilesRequest): string {
  const work = mkdtempSync(join(dir, 'odd-'));
  const tree = join(work, 'tree');
  fillTree(tree, { many, ...(lean && { lean }) });
  const image = join(work, 'image');
  const options = [
    ...(features ? ['-O', features] : []),
    ...(clusterBytes ? ['-C', String(clusterBytes)] : []),
    '-I',
    '256',
    '-b',
    String(blockBytes),
    '-N',
    String(many + 200),
  ];
  run('mke2fs', ['-q', '-F', '-t', type, ...options, '-d', tree, image, '24M']);
  rmSync(tree, { recursive: true });
  const value = join(work, 'value');
  writeFileSync(value, 'x'.repeat(300)); // too long for the inode: an attribute block
  debugfs(image, [
    'cd dev', // mknod takes a slash for a part of the name
    'mknod pipe p',
    'mknod sda b 8 1',
    'mknod tty c 4 300',
    'cd /',
    'set_inode_field docs/note.txt uid 70123',
    'set_inode_field docs/note.txt gid 1007',
    'set_inode_field docs/note.txt mode 0104751',
    `set_inode_field docs/note.txt mtime @${MTIME_NS / 1_000_000_000n}`,
    // The upper 30 bits of the extra field are nanoseconds.
    `set_inode_field docs/note.txt mtime_extra ${(MTIME_NS % 1_000_000_000n) << 2n}`,
    'ea_set docs/note.txt user.note hello',
    `ea_set -f ${value} docs/note.txt user.long`,
    'set_inode_field docs/in-2106 mtime @0xffffffff',
  ]);
  return image;
}

function fillTree(tree: string, { many, lean }: { readonly many: number; readonly lean?: true }): void {
  for (const folder of ['docs', 'dev', 'many', 'links']) mkdirSync(join(tree, folder), { recursive: true });
  writeFileSync(join(tree, 'docs/note.txt'), 'note\n');
  writeFileSync(join(tree, 'docs/in-2106'), '');
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/docs/`), ODD_NAME]), 'odd');
  linkSync(join(tree, 'docs/note.txt'), join(tree, 'links/hard'));
  symlinkSync('../docs/note.txt', join(tree, 'links/short'));
  symlinkSync(`/${'long/'.repeat(30)}target`, join(tree, 'links/long'));
  const sparse = openSync(join(tree, 'sparse'), 'w');
  ftruncateSync(sparse, SPARSE_BYTES);
  writeSync(sparse, 'middle', 2 ** 32 + 4096);
  writeSync(sparse, 'tail', SPARSE_BYTES - 4);
  closeSync(sparse);
  const comb = openSync(join(tree, 'comb'), 'w');
  const { teeth, bytes } = lean ? { teeth: 60, bytes: 4 } : COMB;
  for (let n = 0; n < teeth; n++) writeSync(comb, String(n).padStart(bytes, '.'), (2 * n + 1) * COMB.bytes - bytes);
  closeSync(comb);
  for (let n = 0; n < many; n++) writeFileSync(join(tree, `many/file-${String(n).padStart(5, '0')}.txt`), String(n));
  writeFileSync(join(tree, 'big.bin'), lean ? bigContent().subarray(0, 5_000) : bigContent());
}

export function bigContent(): Uint8Array {
  return Uint8Array.from({ length: 700_001 }, (_, at) => (at * 7 + (at >> 9)) & 0xff);
}

export function debugfs(image: string, commands: readonly string[]): string {
  return run('debugfs', ['-w', '-f', '-', image], commands.join('\n'));
}

/** Writes blocks through the journal and leaves them there, as a power cut does. */
export function leaveInJournal(
  image: string,
  { blocks, checksums }: { blocks: Readonly<Record<number, Uint8Array>>; checksums: boolean },
): void {
  const work = mkdtempSync(`${image}-journal-`);
  const commands = Object.entries(blocks).map(([block, bytes]) => {
    const file = join(work, block);
    writeFileSync(file, bytes);
    return `jw -b ${block} ${file}`;
  });
  debugfs(image, [`jo${checksums ? ' -c' : ''}`, ...commands, 'jc']);
  rmSync(work, { recursive: true });
}

function run(command: string, args: readonly string[], input?: string): string {
  // mke2fs and debugfs live in sbin, which not every PATH has.
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', env, ...(input !== undefined && { input }) });
}

export const readImage = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
