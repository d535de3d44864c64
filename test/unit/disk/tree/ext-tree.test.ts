import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openExtTree } from '../../../../src/disk/ext/ext-tree.ts';
import type { Entry, FileTree } from '../../../../src/disk/tree/file-tree.ts';
import { walkTree } from '../../../../src/disk/tree/walk-tree.ts';
import { memoryByteSource, openFileByteSource } from '../../../support/file-byte-source.ts';
import {
  bigContent,
  COMB,
  debugfs,
  leaveInJournal,
  MTIME_NS,
  ODD_NAME,
  oddFilesImage,
  readImage,
  SPARSE_BYTES,
} from '../../../support/odd-files-image.ts';

const NEVER = new AbortController().signal;
const dir = mkdtempSync(join(tmpdir(), 'tree-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function find(tree: FileTree, path: string): Promise<Entry> {
  let entry: Entry | undefined = tree.root;
  for (const name of path.split('/')) entry = entry && (await tree.find(entry, name, NEVER));
  if (!entry) throw new Error(`no ${path}`);
  return entry;
}

async function walk(tree: FileTree) {
  const items = [];
  for await (const item of walkTree(tree, { from: tree.root, path: '/' }, NEVER)) items.push(item);
  return items;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

const variants = [
  { type: 'ext2' },
  { type: 'ext3' },
  { type: 'ext4' },
  { type: 'ext4', features: 'inline_data,metadata_csum,64bit' },
  { type: 'ext4', features: 'meta_bg,^resize_inode,^64bit,^flex_bg' },
  { type: 'ext4', features: 'sparse_super2,^resize_inode,meta_bg', blockBytes: 4096 },
  { type: 'ext4', features: 'bigalloc,^resize_inode', clusterBytes: 8192 },
  { type: 'ext4', features: 'fast_commit' },
] as const;

describe.each(variants)('$type $features', (variant) => {
  const image = oddFilesImage({ dir, ...variant });

  test('every odd kind of file is read as it is', async () => {
    const tree = await openExtTree(memoryByteSource(readImage(image)), NEVER);
    expect(tree).toMatchObject({ kind: variant.type, notices: [] });
    const note = await find(tree, 'docs/note.txt');
    expect(note).toMatchObject({ kind: 'file', size: 5, uid: 70_123, gid: 1007, mode: 0o4751, links: 2 });
    expect(note.mtimeNs).toBe(MTIME_NS);
    expect(text(await tree.read(note, 1, 3, NEVER))).toBe('ote');
    expect((await find(tree, 'links/hard')).inode).toBe(note.inode);
    expect(await tree.readLink(await find(tree, 'links/short'), NEVER)).toBe('../docs/note.txt');
    expect(await tree.readLink(await find(tree, 'links/long'), NEVER)).toBe(`/${'long/'.repeat(30)}target`);
    expect(await find(tree, `docs/${ODD_NAME.toString('latin1')}`)).toMatchObject({ size: 3 });
    expect(await find(tree, 'dev/sda')).toMatchObject({ kind: 'block-device', rdev: { major: 8, minor: 1 } });
    expect(await find(tree, 'dev/tty')).toMatchObject({ kind: 'character-device', rdev: { major: 4, minor: 300 } });
    expect(await find(tree, 'dev/pipe')).toMatchObject({ kind: 'fifo', size: 0 });
    expect((await find(tree, 'docs/in-2106')).mtimeNs).toBe(4_294_967_295_000_000_000n);
    const xattrs = await tree.xattrs(note, NEVER);
    expect(Object.fromEntries([...xattrs].map(([name, value]) => [name, text(value)]))).toEqual({
      'user.note': 'hello',
      'user.long': 'x'.repeat(300),
    });
  });

  test('files beyond 4 GiB show their holes, and big ones arrive whole', async () => {
    const tree = await openExtTree(memoryByteSource(readImage(image)), NEVER);
    const sparse = await find(tree, 'sparse');
    expect(sparse.size).toBe(SPARSE_BYTES);
    const extents = [];
    for await (const extent of tree.extents(sparse, NEVER)) extents.push(extent);
    expect(extents.length).toBeLessThanOrEqual(3);
    expect(extents.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(100_000);
    expect(text(await tree.read(sparse, 2 ** 32 + 4096, 6, NEVER))).toBe('middle');
    expect(text(await tree.read(sparse, SPARSE_BYTES - 8, 8, NEVER))).toBe('\0\0\0\0tail');
    expect(await tree.read(await find(tree, 'big.bin'), 0, 700_001, NEVER)).toEqual(bigContent());
  });

  test('a file of many pieces has its bytes where they belong, and holes between them', async () => {
    const tree = await openExtTree(memoryByteSource(readImage(image)), NEVER);
    const comb = await find(tree, 'comb');
    const offsets = [];
    for await (const extent of tree.extents(comb, NEVER)) offsets.push(extent.offset);
    expect(offsets).toEqual(Array.from({ length: COMB.teeth }, (_, n) => 2 * n * COMB.bytes));
    const bytes = text(await tree.read(comb, 0, comb.size, NEVER));
    for (let n = 0; n < COMB.teeth; n++)
      expect(bytes.slice((2 * n + 1) * COMB.bytes - 4, (2 * n + 1) * COMB.bytes)).toBe(String(n).padStart(4, '.'));
  });

  test('a walk tells every name once, in byte order, folders first', async () => {
    const tree = await openExtTree(memoryByteSource(readImage(image)), NEVER);
    const items = await walk(tree);
    expect(items.filter(({ damage }) => damage !== undefined)).toEqual([]);
    const paths = items.map(({ path }) => path);
    expect(paths).toHaveLength(new Set(paths).size);
    expect(paths.filter((path) => path.startsWith('/many/'))).toHaveLength(100);
    const segments = paths.map((path) => path.split('/').join('\0'));
    expect(segments).toEqual(segments.toSorted());
  });
});

test('4,000 names in one folder are told in order', async () => {
  const source = await openFileByteSource(oddFilesImage({ dir, many: 4_000 }));
  const tree = await openExtTree(source, NEVER);
  const names: string[] = [];
  for await (const { name } of tree.list(await find(tree, 'many'), NEVER)) names.push(name);
  expect(names).toEqual(Array.from({ length: 4_000 }, (_, n) => `file-${String(n).padStart(5, '0')}.txt`));
  await source.close();
}, 30_000); // mke2fs looks through the whole folder for each name: 10,000 of them took it 6 s

describe.each([
  { features: 'metadata_csum,64bit', checksums: true },
  { features: '^metadata_csum,^64bit', checksums: false },
])('a journal with $features', ({ features, checksums }) => {
  test('is replayed: what stood only in the journal is read, and said', async () => {
    const image = oddFilesImage({ dir, features });
    const block = Number(/\d+/.exec(debugfs(image, ['bmap docs/note.txt 0']).replace(/^.*?\n/, ''))?.[0]);
    const content = new Uint8Array(1024);
    content.set(Uint8Array.of(0xc0, 0x3b, 0x39, 0x98)); // the journal's own magic, which it must escape
    leaveInJournal(image, { blocks: { [block]: content }, checksums });
    const tree = await openExtTree(memoryByteSource(readImage(image)), NEVER);
    expect(tree.notices.join()).toMatch(/journal was replayed in memory: 1 transactions, 1 blocks/);
    expect(text(await tree.read(await find(tree, 'docs/note.txt'), 0, 5, NEVER))).toBe('\xc0\x3b\x39\x98\0');
  });
});

/** Where a block of the journal lies in the image. */
function journalBlockAt(image: string, block: number): number {
  return 1_024 * Number(/\d+/.exec(debugfs(image, [`bmap <8> ${block}`]).replace(/^.*?\n/, ''))?.[0]);
}

test('a journal with fast commits to replay is refused before anything old is shown', async () => {
  const image = oddFilesImage({ dir, features: 'fast_commit' });
  leaveInJournal(image, { blocks: { 5000: new Uint8Array(1_024) }, checksums: true });
  const disk = Buffer.from(readImage(image));
  const superblock = journalBlockAt(image, 0);
  // As a kernel leaves it that has written fast commits: the journal's feature, and a head with the next transaction's id.
  disk.writeUInt32BE(disk.readUInt32BE(superblock + 40) | 32, superblock + 40);
  const blocks = disk.readUInt32BE(superblock + 16);
  const fastBlocks = disk.readUInt32BE(superblock + 84) || 256;
  const firstFast = journalBlockAt(image, blocks - fastBlocks);
  await openExtTree(memoryByteSource(disk), NEVER); // none is there yet
  disk.writeUInt16LE(0x09, firstFast);
  disk.writeUInt32LE(disk.readUInt32BE(superblock + 24) + 1, firstFast + 8);
  await expect(openExtTree(memoryByteSource(disk), NEVER)).rejects.toThrow(/fast commits, which this version does not/);
});

test('an encrypted folder and an encrypted file are refused by name, and the others are read', async () => {
  const image = oddFilesImage({ dir, features: 'encrypt' });
  // 0x80000: extents, as all files here have; 0x800: encrypted.
  debugfs(image, ['set_inode_field docs flags 0x80800', 'set_inode_field big.bin flags 0x80800']);
  const tree = await openExtTree(memoryByteSource(readImage(image)), NEVER);
  const items = await walk(tree);
  const damaged = items.filter(({ damage }) => damage !== undefined);
  expect(damaged).toEqual([{ path: '/docs', damage: expect.stringMatching(/a folder is encrypted/) }]);
  await expect(tree.read(await find(tree, 'big.bin'), 0, 5, NEVER)).rejects.toThrow(/encrypted/);
  expect(text(await tree.read(await find(tree, 'links/hard'), 0, 5, NEVER))).toBe('note\n');
});
