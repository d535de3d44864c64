import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createIndexFilesActivities } from '../../../src/activities/index-files.ts';
import { createRestoreFilesActivities } from '../../../src/activities/restore-files.ts';
import { createKernelReader } from '../../../src/appliance/kernel-reader.ts';
import { openVaultByName } from '../../../src/cli/vault-by-name.ts';
import { openExtTree } from '../../../src/disk/ext/ext-tree.ts';
import type { Entry, FileTree } from '../../../src/disk/tree/file-tree.ts';
import { openMachineTree } from '../../../src/disk/tree/machine-tree.ts';
import type { OtherReader } from '../../../src/disk/tree/open-file-system.ts';
import { walkTree } from '../../../src/disk/tree/walk-tree.ts';
import { findRecipe } from '../../../src/recipes/registry.ts';
import { findFileIndex, findIndexedFile } from '../../../src/vault/index.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { btrfsImage } from '../../support/btrfs-image.ts';
import { runVaultCli } from '../../support/cli-run.ts';
import { onPartition } from '../../support/disk-images.ts';
import { type FileByteSource, memoryByteSource, openFileByteSource } from '../../support/file-byte-source.ts';
import { oddFilesImage } from '../../support/odd-files-image.ts';
import { NEVER, RUN_ID, temporaryFolder } from '../../support/vault-fixture.ts';
import { XFS_FOLDER_FILES, xfsImage } from '../../support/xfs-image.ts';

const CONTENT = randomBytes(3 * 2 ** 20 + 77);

/** One machine for all of them, as one command has. */
let reader: OtherReader;
const disks: FileByteSource[] = [];

beforeAll(() => {
  reader = createKernelReader();
});

afterAll(async () => {
  await reader.close();
  await Promise.all(disks.map((disk) => disk.close()));
});

async function disk(path: string): Promise<FileByteSource> {
  const opened = await openFileByteSource(path);
  disks.push(opened);
  return opened;
}

async function everything(tree: FileTree): Promise<Map<string, Entry>> {
  const found = new Map<string, Entry>();
  for await (const { path, entry, damage } of walkTree(tree, { from: tree.root, path: '/' }, NEVER)) {
    expect(damage).toBeUndefined();
    if (entry) found.set(path, entry);
  }
  return found;
}

test('an XFS on a partition is read: folders, owners, links, and every byte of a file', async () => {
  const source = onPartition(await disk(xfsImage(await temporaryFolder(), CONTENT)));
  const { fileSystems } = await openMachineTree([{ volumeId: 'vol-1', source }], NEVER, reader);
  const tree = fileSystems[0]?.tree;
  if (!tree) throw new Error(fileSystems[0]?.unreadable ?? 'no file system was found');
  expect([tree.kind, fileSystems[0]?.fact.partition]).toEqual(['xfs', 1]);
  const files = await everything(tree);
  expect(files.size).toBe(XFS_FOLDER_FILES + 4);
  expect(files.get('/many/f123')).toMatchObject({ kind: 'file', uid: 123, gid: 7, mode: 0o600 });
  const [data, link] = [files.get('/data'), files.get('/link')];
  if (!data || !link) throw new Error(`found ${[...files.keys()].slice(0, 9)}`);
  expect(data).toMatchObject({ size: CONTENT.length, mode: 0o640, uid: 1000, gid: 1001 });
  expect(Buffer.compare(await tree.read(data, 0, data.size, NEVER), CONTENT)).toBe(0);
  expect(await tree.readLink(link, NEVER)).toBe('data');
});

test('an XFS that an ext4 root mounts over a folder is found, listed, walked and read there', async () => {
  const folder = await temporaryFolder();
  const [tree, image] = [join(folder, 'tree'), join(folder, 'root.img')];
  await mkdir(join(tree, 'etc'), { recursive: true });
  await mkdir(join(tree, 'srv'));
  await writeFile(join(tree, 'etc/fstab'), '/dev/nvme0n1 / ext4 defaults 0 1\n/dev/nvme1n1 /srv xfs defaults 0 2\n');
  await promisify(execFile)('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, image, '8M']);
  const sources = [await disk(image), await disk(xfsImage(folder, CONTENT))];
  const disks = sources.map((source, n) => ({ volumeId: `vol-${n}`, source }));
  const machine = await openMachineTree(disks, NEVER, reader);
  const [mounted, data] = [await machine.find('/srv', NEVER), await machine.find('/srv/data', NEVER)];
  if (!mounted || !data) throw new Error('the mounted files are not found');
  expect(Buffer.compare(await data.tree.read(data.entry, 0, CONTENT.length, NEVER), CONTENT)).toBe(0);
  expect([mounted.tree.kind, await mounted.tree.xattrs(mounted.entry, NEVER)]).toEqual(['xfs', new Map()]);
  const root = await machine.find('/', NEVER);
  if (!root) throw new Error('no root');
  const walked: string[] = [];
  for await (const { path, damage } of machine.walk(root, NEVER)) walked.push(damage ?? path);
  expect(walked).toEqual(expect.arrayContaining(['/srv', '/srv/data', '/srv/link', '/srv/many/f123']));
});

test.each(['crc32c', 'xxhash', 'sha256', 'blake2'] as const)(
  'a btrfs with checksums by %s is read, by the same machine',
  async (checksum) => {
    const source = await disk(btrfsImage(await temporaryFolder(), CONTENT, checksum));
    const { fileSystems } = await openMachineTree([{ volumeId: 'vol-1', source }], NEVER, reader);
    const tree = fileSystems[0]?.tree;
    if (!tree) throw new Error(fileSystems[0]?.unreadable ?? 'no file system was found');
    expect(tree.kind).toBe('btrfs');
    const files = await everything(tree);
    expect([...files.keys()].sort()).toEqual(['/', '/folder', '/folder/data', '/folder/link']);
    const [data, link] = [files.get('/folder/data'), files.get('/folder/link')];
    if (!data || !link) throw new Error('files are missing');
    expect(data).toMatchObject({ size: CONTENT.length, mode: 0o640, links: 1 });
    expect(Buffer.compare(await tree.read(data, 0, data.size, NEVER), CONTENT)).toBe(0);
    expect(await tree.readLink(link, NEVER)).toBe('data');
  },
);

test('a btrfs over two disks is not read, and is not taken for a damaged one', async () => {
  const folder = await temporaryFolder();
  const paths = ['one.img', 'two.img'].map((name) => join(folder, name));
  for (const path of paths) {
    await writeFile(path, '');
    await truncate(path, 2 ** 28);
  }
  await promisify(execFile)('mkfs.btrfs', ['-q', '-d', 'raid0', '-m', 'raid1', ...paths]);
  const [first = ''] = paths;
  const { fileSystems } = await openMachineTree([{ volumeId: 'vol-1', source: await disk(first) }], NEVER, reader);
  expect(fileSystems[0]?.unreadable).toMatch(/cannot be opened: .* needs another device beside this one/);
});

/** A btrfs has its superblock at 64 KiB; here nothing else is left of one. */
async function emptiedBtrfs(folder: string): Promise<string> {
  const [from, to] = [65_536, 65_536 + 4_096];
  const image = await readFile(btrfsImage(folder, CONTENT));
  const path = join(folder, 'emptied.img');
  await writeFile(path, image.fill(0, 0, from).fill(0, to));
  return path;
}

test('a command that cannot read its only file system says why, ends, and leaves nothing running', async () => {
  const folder = await temporaryFolder();
  const [key, url] = [join(folder, 'key'), `file://${folder}/vault`];
  await writeFile(key, `${'42'.repeat(32)}\n`);
  await runVaultCli('vault', 'init', url, '--key-file', key);
  await runVaultCli('vault', 'put', await emptiedBtrfs(folder), url, '--key-file', key);
  const TMPDIR = join(folder, 'tmp');
  await mkdir(TMPDIR);
  // A process of its own: what it would leave running keeps it from ending.
  const args = ['src/cli/main.ts', 'files', 'ls', 'latest:/', '--vault', url, '--key-file', key];
  const ran = promisify(execFile)(process.execPath, args, {
    env: { ...process.env, TMPDIR },
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  await expect(ran).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/can be read: disk0: The btrfs file system cannot be opened/),
  });
  expect(await readdir(TMPDIR)).toEqual([]);
});

test('a command whose output nobody reads leaves nothing of what it read behind', async () => {
  const folder = await temporaryFolder();
  const [key, url] = [join(folder, 'key'), `file://${folder}/vault`];
  await writeFile(key, `${'42'.repeat(32)}\n`);
  await runVaultCli('vault', 'init', url, '--key-file', key);
  await runVaultCli('vault', 'put', xfsImage(folder, CONTENT), url, '--key-file', key);
  const TMPDIR = join(folder, 'tmp');
  await mkdir(TMPDIR);
  const command = '{ "$@"; echo $? >"$TMPDIR.status"; } | true';
  const listing = ['src/cli/main.ts', 'files', 'ls', 'latest:/many', '--vault', url, '--key-file', key];
  await promisify(execFile)('sh', ['-c', command, 'sh', process.execPath, ...listing], {
    env: { ...process.env, TMPDIR },
    timeout: 120_000,
  });
  expect(await readFile(`${TMPDIR}.status`, 'utf8')).toBe('141\n');
  expect(await readdir(TMPDIR)).toEqual([]);
});

type RestoredFiles = Awaited<ReturnType<ReturnType<typeof createRestoreFilesActivities>['restoreFiles']>>;

/** A recovery point of one disk, and what a mover's activities need to reach it. */
async function archived(image: string) {
  const folder = await temporaryFolder();
  const [keyFile, url] = [join(folder, 'key'), `file://${folder}/vault`];
  await writeFile(keyFile, `${'42'.repeat(32)}\n`);
  await runVaultCli('vault', 'init', url, '--key-file', keyFile);
  const put = await runVaultCli('vault', 'put', image, url, '--machine', 'm1', '--key-file', keyFile);
  expect(put).toMatchObject({ exitCode: 0 });
  const vault = await openVaultByName({ url, keys: { keyFile }, roles: ['data', 'meta'], signal: NEVER });
  onTestFinished(() => vault.close());
  const [point = ''] = await readdir(join(folder, 'vault/points'));
  const deps = {
    vaults: { open: async () => vault, names: ['main'] },
    config: { folders: { target: join(folder, 'target') } },
    findRecipe,
    // The machine that the other tests have started.
    openOthers: () => ({ open: reader.open, close: async () => {} }),
    toolVersion: 'test',
  };
  return { vault, pointId: point.replace('.json', ''), deps };
}

test('a mover lists an XFS in the index of its point, and restores files from it', async () => {
  const { vault, pointId, deps } = await archived(xfsImage(await temporaryFolder(), CONTENT));
  const { indexFiles } = createIndexFilesActivities(deps);
  const order = { vault: 'main', pointId, digests: true };
  const indexed = await activityEnvironment().run(indexFiles, order);
  expect(indexed).toMatchObject({ files: XFS_FOLDER_FILES + 4 });
  const index = await findFileIndex({ vault, pointId, signal: NEVER });
  if (!index) throw new Error('there is no index');
  expect(index.notes).toEqual([expect.stringMatching(/^note {2}.*: read by the kernel of a machine of its own/)]);
  const data = await findIndexedFile({ vault, index, path: '/data', signal: NEVER });
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  expect(data).toMatchObject({ bytes: CONTENT.length, uid: 1000, gid: 1001, sha256 });

  const { restoreFiles } = createRestoreFilesActivities(deps);
  const wanted = { runId: RUN_ID, vault: 'main', pointId, path: '/data', into: 'target' };
  const restored: RestoredFiles = await activityEnvironment().run(restoreFiles, wanted);
  expect(restored).toMatchObject({ files: 1, damaged: 0 });
  expect(Buffer.compare(await readFile(join(restored.folder, 'data')), CONTENT)).toBe(0);
});

test('of an ext4 with files of every odd kind, the kernel and our own reader tell the same', async () => {
  const source = await disk(oddFilesImage({ dir: await temporaryFolder() }));
  const [theirs, ours] = [await reader.open('ext4', source, NEVER), await openExtTree(source, NEVER)];
  const [expected, found] = [await everything(theirs), await everything(ours)];
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [path, entry] of found) {
    const other = expected.get(path);
    if (!other) throw new Error(`the kernel shows no ${path}`);
    expect({ path, ...entry }).toEqual({ path, ...other });
    expect(await ours.xattrs(entry, NEVER)).toEqual(await theirs.xattrs(other, NEVER));
    if (entry.kind === 'link') expect(await ours.readLink(entry, NEVER)).toBe(await theirs.readLink(other, NEVER));
    if (entry.kind === 'file') expect(await extentsOf(ours, entry)).toEqual(await extentsOf(theirs, other));
  }
});

async function extentsOf(tree: FileTree, file: Entry) {
  const found = [];
  for await (const extent of tree.extents(file, NEVER)) found.push(extent);
  return found;
}

test('what is no file system of its kind is refused by name, and the machine reads on', async () => {
  const garbage = memoryByteSource(randomBytes(2 ** 20));
  await expect(reader.open('xfs', garbage, NEVER)).rejects.toMatchObject({
    code: 'UnreadableDisk',
    message: expect.stringMatching(/^The xfs file system cannot be opened/),
  });
  const tree = await reader.open('ext4', await disk(oddFilesImage({ dir: await temporaryFolder() })), NEVER);
  expect(await tree.find(tree.root, 'docs', NEVER)).toMatchObject({ kind: 'folder' });
});

test('every disk is read as soon as it is there, up to sixteen in one machine', async () => {
  const image = await readFile(oddFilesImage({ dir: await temporaryFolder() }));
  const another = createKernelReader();
  onTestFinished(() => another.close());
  for (let opened = 0; opened < 16; opened += 1) {
    const tree = await another.open('ext4', memoryByteSource(image), NEVER);
    expect(await tree.find(tree.root, 'docs', NEVER)).toMatchObject({ kind: 'folder' });
  }
  await expect(another.open('ext4', memoryByteSource(image), NEVER)).rejects.toMatchObject({
    code: 'UnreadableDisk',
    message: 'More than 16 such file systems at once.',
  });
});
