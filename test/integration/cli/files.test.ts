import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runVaultCli } from '../../support/cli-run.ts';
import { gptDisk } from '../../support/disk-images.ts';
import { MTIME_NS, ODD_NAME, oddFilesImage, readImage, SPARSE_BYTES } from '../../support/odd-files-image.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';

const MIB = 2 ** 20;

async function archived(folder: string, makeImage: (folder: string) => string) {
  const [key, url] = [join(folder, 'key'), `file://${folder}/vault`];
  writeFileSync(key, `${'42'.repeat(32)}\n`);
  await runVaultCli('vault', 'init', url, '--key-file', key);
  const put = await runVaultCli('vault', 'put', makeImage(folder), url, '--machine', 'm1', '--key-file', key);
  expect(put).toMatchObject({ exitCode: 0 });
  const files = (command: string, ...args: string[]) =>
    runVaultCli('files', command, ...args, '--vault', url, '--key-file', key);
  return { folder, files };
}

const resultOf = (stdout: string) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');

/** A GPT disk whose second partition holds a file of every odd kind. */
function oddDisk(folder: string): string {
  const image = join(folder, 'disk.img');
  writeFileSync(image, gptDisk(readImage(oddFilesImage({ dir: folder }))));
  return image;
}

test('a tree of odd files is listed and restored: holes, links, modes, times, hostile names', async () => {
  const { folder, files } = await archived(await temporaryFolder(), oddDisk);
  const listed = await files('ls', 'latest:/docs');
  expect(listed).toMatchObject({ exitCode: 0 });
  expect(listed.stdout).toContain('/docs/line\\x0abreak \\xff\\x1b[2J');
  const to = join(folder, 'out');
  const got = await files('get', 'latest:/', '--to', to, '--json');
  expect(got).toMatchObject({ exitCode: 0 });
  expect(resultOf(got.stdout)).toMatchObject({ damaged: 0, kept: 0, type: 'result', ok: true });
  const note = lstatSync(join(to, 'docs/note.txt'), { bigint: true });
  const asRoot = process.getuid?.() === 0;
  expect(Number(note.mode) & 0o7777).toBe(asRoot ? 0o4751 : 0o751);
  if (asRoot) expect([note.uid, note.gid]).toEqual([70_123n, 1007n]);
  expect(Number(note.mtimeNs - MTIME_NS)).toBeCloseTo(0, -3); // a double's quarter of a microsecond
  const attributes = execFileSync('getfattr', [
    ...['--absolute-names', '--only-values'],
    ...['-n', 'user.note', join(to, 'docs/note.txt')],
  ]);
  expect(attributes.toString()).toBe('hello');
  expect(statSync(join(to, 'links/hard')).ino).toBe(Number(note.ino));
  expect(readlinkSync(join(to, 'links/short'))).toBe('../docs/note.txt');
  expect(readFileSync(Buffer.concat([Buffer.from(`${to}/docs/`), ODD_NAME]), 'utf8')).toBe('odd');
  const sparse = statSync(join(to, 'sparse'));
  expect(sparse.size).toBe(SPARSE_BYTES);
  expect(sparse.blocks * 512).toBeLessThan(MIB);
  expect(readdirSync(join(to, 'many'))).toHaveLength(100);
  const inTheWay = await files('get', 'latest:/docs', '--to', join(to, 'docs/note.txt'));
  expect(inTheWay).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('TargetExists') });
  // Again: what is finished stays, what somebody else put there is not touched.
  expect((await files('get', 'latest:/', '--to', to)).stderr).toMatch(/not empty, and no unfinished restore/);
  const link = await files('cat', 'latest:/links/short');
  expect(link).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('is a link to ../docs/note.txt; name that'),
  });
  const tree = await files('get', 'latest:/docs', '--to', join(folder, 'docs'));
  expect(tree.stderr).toMatch(/^restore {4}\/docs {2}\d+ B$/m); // how much it will be nobody knows
  expect((await files('cat', 'latest:/docs/note.txt')).stdout).toBe('note\n');
  expect(await files('cat', 'latest:/nothing')).toMatchObject({ exitCode: 1 });
});

test('a tar holds all of it and needs no root: GNU tar unpacks holes, attributes and devices', async () => {
  const { folder, files } = await archived(await temporaryFolder(), oddDisk);
  const tar = join(folder, 'all.tar');
  expect(await files('get', 'latest:/', '--tar', tar)).toMatchObject({ exitCode: 0 });
  expect(statSync(tar).size).toBeLessThan(8 * MIB); // the hole of 5 GiB takes none
  const told = execFileSync('tar', ['--xattrs', '-tvvf', tar, '--numeric-owner', '--full-time'], { encoding: 'utf8' });
  expect(told).toMatch(/-rwsr-x--x\* 70123\/1007 .*:21\.123456789 docs\/note\.txt/);
  expect(told).toMatch(/x: 5 user\.note/);
  expect(told).toMatch(/hrwsr.* links\/hard link to docs\/note\.txt/);
  expect(told).toMatch(/b-.* 8,1 .*dev\/sda/);
  expect(told).toContain(`${SPARSE_BYTES} `);
  const out = join(folder, 'unpacked');
  mkdirSync(out);
  execFileSync('tar', ['-C', out, '-xf', tar, 'sparse', 'docs', 'links'], { stdio: 'pipe' });
  expect(statSync(join(out, 'sparse')).size).toBe(SPARSE_BYTES);
  expect(readFileSync(join(out, 'links/hard'), 'utf8')).toBe('note\n');
});

let large: Awaited<ReturnType<typeof archived>> & { content: Uint8Array };
beforeAll(async () => {
  const content = randomBytes(100 * MIB);
  const made = await archived(mkdtempSync(join(tmpdir(), 'files-')), (folder) => {
    mkdirSync(join(folder, 'tree'));
    writeFileSync(join(folder, 'tree/small.txt'), 'small\n');
    writeFileSync(join(folder, 'tree/large.bin'), content);
    execFileSync(
      '/sbin/mke2fs',
      ['-q', '-F', '-t', 'ext4', '-d', join(folder, 'tree'), join(folder, 'large.img'), '160M'],
      { stdio: 'pipe' },
    );
    return join(folder, 'large.img');
  });
  large = { ...made, content };
});

afterAll(() => rmSync(large.folder, { recursive: true, force: true }));

test('a file of 100 MiB costs at most 1.2 times its size', async () => {
  const to = join(large.folder, 'one');
  const got = await large.files('get', 'latest:/large.bin', '--to', to, '--json');
  expect(got).toMatchObject({ exitCode: 0 });
  const { bytesFetched, requests } = resultOf(got.stdout);
  expect(bytesFetched).toBeLessThanOrEqual(1.2 * 100 * MIB);
  expect(requests).toBeLessThan(60);
  expect(readFileSync(join(to, 'large.bin')).equals(large.content)).toBe(true);
});

test('a restore that was cut off goes on, and takes nothing for finished that is not', async () => {
  const to = join(large.folder, 'again');
  await large.files('get', 'latest:/', '--to', to);
  writeFileSync(`${to}.understudy-restore`, JSON.stringify({ pointId: pointOf(large.folder), path: '/' }));
  writeFileSync(join(to, 'small.txt'), 'sma'); // as a kill leaves it
  const got = await large.files('get', 'latest:/', '--to', to, '--json');
  expect(resultOf(got.stdout)).toMatchObject({ kept: 1, files: 1 });
  expect(readFileSync(join(to, 'small.txt'), 'utf8')).toBe('small\n');
});

test('a link somebody put into the target leads nowhere', async () => {
  const to = join(large.folder, 'trap');
  const elsewhere = join(large.folder, 'elsewhere');
  mkdirSync(elsewhere);
  mkdirSync(to);
  writeFileSync(`${to}.understudy-restore`, JSON.stringify({ pointId: pointOf(large.folder), path: '/' }));
  writeFileSync(join(elsewhere, 'mine'), 'mine');
  symlinkSync(elsewhere, join(to, 'lost+found'));
  symlinkSync(join(elsewhere, 'mine'), join(to, 'small.txt'));
  const got = await large.files('get', 'latest:/', '--to', to, '--json');
  expect(got.exitCode).toBe(1);
  expect(readFileSync(join(elsewhere, 'mine'), 'utf8')).toBe('mine');
  expect(readdirSync(elsewhere)).toEqual(['mine']);
});

// Last: it breaks the vault.
test('a damaged block names the file above it, and the others are restored', async () => {
  const packs = join(large.folder, 'vault/runs', pointOf(large.folder), 'packs');
  // One of those without the small file: the large one lies in all of them.
  for (const name of readdirSync(packs)) {
    renameSync(join(packs, name), join(large.folder, name));
    if ((await large.files('cat', 'latest:/small.txt')).exitCode === 0) break;
    renameSync(join(large.folder, name), join(packs, name));
  }
  const to = join(large.folder, 'damaged');
  const got = await large.files('get', 'latest:/', '--to', to, '--json');
  expect(got.exitCode).toBe(1);
  expect(got.stdout).toMatch(/"path":"\/large.bin","problem":"[^"]*","isDamage":true/);
  expect(readFileSync(join(to, 'small.txt'), 'utf8')).toBe('small\n');
  expect(readdirSync(to)).not.toContain('large.bin');
});

function pointOf(folder: string): string {
  return readdirSync(join(folder, 'vault/points'))[0]?.replace('.json', '') ?? '';
}
