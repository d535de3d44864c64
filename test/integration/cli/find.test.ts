import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKernelReader } from '../../../src/appliance/kernel-reader.ts';
import { openVaultByName } from '../../../src/cli/vault-by-name.ts';
import { indexPoint } from '../../../src/search/index-point.ts';
import { createFileKeyService } from '../../../src/vault/file/file-keys.ts';
import {
  findFileIndex,
  initVault,
  openStore,
  openVault,
  putImage,
  readIndexedFiles,
  systemClock,
  systemRandomBytes,
} from '../../../src/vault/index.ts';
import type { KeyService, RootName } from '../../../src/vault/key-service.ts';
import { runVaultCli } from '../../support/cli-run.ts';
import { bigContent, debugfs, oddFilesImage } from '../../support/odd-files-image.ts';
import { NEVER, temporaryFolder } from '../../support/vault-fixture.ts';
import { waitFor } from '../../support/wait-for.ts';
import { xfsImage } from '../../support/xfs-image.ts';

/** A vault with a point of one disk, and commands upon it. */
async function onePoint(makeImage: (folder: string) => string) {
  const folder = await temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  const [key, url] = [join(folder, 'key'), `file://${folder}/vault`];
  writeFileSync(key, `${'42'.repeat(32)}\n`);
  await runVaultCli('vault', 'init', url, '--key-file', key);
  const image = makeImage(folder);
  const put = () => runVaultCli('vault', 'put', image, url, '--machine', 'm1', '--key-file', key);
  expect(await put()).toMatchObject({ exitCode: 0 });
  const run = async (...args: string[]) => {
    const ended = await runVaultCli(...args, '--vault', url, '--key-file', key, '--json');
    const lines = ended.stdout.trimEnd().split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return { ...ended, items: parsed.slice(0, -1), result: parsed.at(-1) };
  };
  return { folder, key, url, image, put, run };
}

/** Two points of one machine: between them one file changed, one came and one went. */
async function twoPoints() {
  const point = await onePoint((dir) => oddFilesImage({ dir }));
  const { folder, image, put } = point;
  // Ids begin with the second of their run, and order the two.
  const second = () => Math.floor(Date.now() / 1_000);
  const putAt = second();
  await waitFor(async () => (second() > putAt ? true : undefined), { limitMs: 5_000, what: 'the next second' });
  writeFileSync(join(folder, 'new'), 'new content');
  debugfs(image, [
    `write ${join(folder, 'new')} invoice-7.pdf`,
    'rm docs/in-2106',
    'set_inode_field docs/note.txt ctime @1800000000',
  ]);
  expect(await put()).toMatchObject({ exitCode: 0 });
  return point;
}

test('files are found by pattern in the newest point, or in all, and history tells where they differed', async () => {
  const { folder, run } = await twoPoints();
  const newest = await run('find', 'inv*.pdf');
  expect(newest).toMatchObject({ exitCode: 0 });
  expect(newest.items).toMatchObject([{ path: '/invoice-7.pdf', bytes: 11, kind: 'file' }]);
  expect((await run('find', 'in-21')).items).toEqual([]);
  expect((await run('find', 'in-21', '--since', '10000d')).items).toMatchObject([{ path: '/docs/in-2106' }]);
  expect((await run('find', 'many/file-0000')).items).toHaveLength(10);
  expect((await run('find', 't')).items.length).toBeGreaterThan(100);
  expect((await run('history', '/docs/note.txt')).items).toMatchObject([{ state: 'first' }, { state: 'differs' }]);
  expect((await run('history', '/docs/in-2106')).items).toMatchObject([{ state: 'first' }, { state: 'absent' }]);
  expect((await run('history', '/big.bin')).items).toMatchObject([{ state: 'first' }, { state: 'same' }]);

  // A cache that is damaged is made again.
  const cache = join(folder, 'cache/understudy/search');
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name), 'no database at all, '.repeat(100));
  mkdirSync(cache, { recursive: true });
  const again = await run('find', 'inv*.pdf');
  expect(again.items).toEqual(newest.items);
  expect(again.stderr).toMatch(/reading its disks/);
  expect((await run('find', 'inv*.pdf')).stderr).not.toMatch(/reading its/);
});

test('an index in the vault answers without a block of the disks, and costs the next one only what differs', async () => {
  const { folder, run } = await twoPoints();
  const [first = '', second = ''] = readdirSync(join(folder, 'vault/points')).map((name) => name.replace('.json', ''));
  const whole = await run('find', 'e', '--since', '10000d');
  const indexed = [await run('index', first), await run('index', 'latest')].map(({ result }) => result);
  expect(indexed[0]).toMatchObject({ pointId: first, pagesReused: 0, notes: 0 });
  expect(indexed[1]).toMatchObject({ pointId: second, notes: 0 });
  // The points hold some 120 files, which make one page or two.
  expect(readdirSync(join(folder, 'vault/index/pages', first))).toHaveLength(Number(indexed[0]?.pages));
  for (const point of [first, second]) renameSync(join(folder, 'vault/runs', point), join(folder, point));
  rmSync(join(folder, 'cache'), { recursive: true });
  const again = await run('find', 'e', '--since', '10000d');
  expect(again.stderr).toMatch(/reading its index, \d+ files/);
  expect(again.items).toEqual(whole.items);
  const states = async (path: string) => (await run('history', path)).items.map(({ state }) => state);
  expect(await states('/docs/note.txt')).toEqual(['first', 'differs']);
  expect(await states('/docs/in-2106')).toEqual(['first', 'absent']);
  expect(await states('/links/short/../note.txt')).toEqual(['first', 'differs']);
  expect(await states('/links/short/note.txt')).toEqual(['absent', 'absent']);

  // A page that is damaged: the disks answer, and it is said how a whole index is made.
  for (const point of [first, second]) renameSync(join(folder, point), join(folder, 'vault/runs', point));
  for (const page of readdirSync(join(folder, 'vault/index/pages', second)))
    writeFileSync(join(folder, 'vault/index/pages', second, page), 'not a page');
  rmSync(join(folder, 'cache'), { recursive: true });
  const damaged = await run('find', 'inv*.pdf');
  expect(damaged.items).toMatchObject([{ path: '/invoice-7.pdf' }]);
  expect(damaged.stderr).toMatch(/is not used: .*understudy index \S+ --anew/);
});

test('an XFS on a host without QEMU is no gap in silence: index and search say what is missing', async () => {
  const { folder, run } = await onePoint((dir) => xfsImage(dir, Buffer.from('content')));
  vi.stubEnv('PATH', join(folder, 'nothing'));
  const missing = /not read {2}disk0: qemu-system-x86_64 is not on this host/;
  const indexed = await run('index', 'latest');
  expect(indexed.result).toMatchObject({ files: 0, notes: 2 });
  expect(indexed.stderr).toMatch(missing);
  expect((await run('find', 'data')).stderr).toMatch(missing);
  const [state] = (await run('history', '/data')).items;
  expect(state).toMatchObject({ state: 'unreadable', reason: expect.stringMatching(/no file system/) });
});

test('the meta root alone searches points that have an index; of others it is said what their disks take', async () => {
  // Prepare
  const folder = await temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  const [searcher, mover] = ['5', '6'].map((digit) => join(folder, `key-${digit}`)) as [string, string];
  for (const path of [searcher, mover]) writeFileSync(path, `${path.slice(-1).repeat(64)}\n`);
  const url = `file://${folder}/vault`;
  const put = {
    path: oddFilesImage({ dir: folder }),
    name: null,
    volumeId: 'disk0',
    toolVersion: 'test',
    signal: NEVER,
  };
  const vault = await vaultOfTwoKeys(url, { data: mover, others: searcher });
  const indexed = await putImage({ ...put, vault, machineId: 'indexed' });
  await putImage({ ...put, vault, machineId: 'not-indexed' });
  const how = { digests: false, anew: false, findObjects: () => undefined, openOthers: createKernelReader };
  await indexPoint({ vault, manifest: indexed, ...how, toolVersion: 'test', signal: NEVER });
  // Act
  const run = (...args: string[]) => runVaultCli(...args, '--vault', url, '--key-file', searcher, '--json');
  const found = await run('find', 'note.txt', '--machine', 'indexed');
  const refused = await run('find', 'note.txt', '--machine', 'not-indexed');
  const history = await run('history', '/docs/note.txt');
  // Assess
  expect(found).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"path":"/docs/note.txt"') });
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/reading its disks\n(.|\n)*data root/) });
  const states = history.stdout.split('\n').map((line) => /"machineId":"(.*?)".*"state":"(.*?)"/.exec(line)?.slice(1));
  expect(states).toEqual(
    expect.arrayContaining([
      ['indexed', 'first'],
      ['not-indexed', 'unreadable'],
    ]),
  );
});

/** A vault whose data root another key opens than its other roots, as the roles of docs/operations/keys.md. */
async function vaultOfTwoKeys(url: string, { data, others }: { data: string; others: string }) {
  const open = (path: string) => createFileKeyService(path, systemRandomBytes);
  const keyOf = ({ purpose }: RootName) => open(purpose === 'data' ? data : others);
  const keys: KeyService = {
    ...open(others),
    newRoot: (name, signal) => keyOf(name).newRoot(name, signal),
    unwrap: (wrapped, name, signal) => keyOf(name).unwrap(wrapped, name, signal),
  };
  const request = {
    store: openStore(url, { clock: systemClock }),
    keys,
    clock: systemClock,
    randomBytes: systemRandomBytes,
  };
  await initVault({ ...request, signal: NEVER });
  const vault = await openVault({ ...request, roles: ['data', 'meta'], signal: NEVER });
  onTestFinished(() => vault.close());
  return vault;
}

test('digests are taken once, and again of what changed', async () => {
  const { folder, key, url, run } = await twoPoints();
  const [first = ''] = readdirSync(join(folder, 'vault/points')).map((name) => name.replace('.json', ''));
  const before = (await run('index', first, '--digests')).result;
  const after = (await run('index', 'latest', '--digests')).result;
  expect(Number(before?.bytesFetched)).toBeGreaterThan(0);
  expect(after).toMatchObject({ digests: true, notes: 0 });
  const [second = ''] = readdirSync(join(folder, 'vault/points'))
    .map((name) => name.replace('.json', ''))
    .slice(1);
  const vault = await openVaultByName({ url, keys: { keyFile: key }, roles: ['meta'], signal: NEVER });
  onTestFinished(() => vault.close());
  const digestsOf = async (pointId: string) => {
    const index = await findFileIndex({ vault, pointId, signal: NEVER });
    const found = new Map<string, string | undefined>();
    if (index)
      for await (const { path, sha256 } of readIndexedFiles({ vault, index, signal: NEVER })) found.set(path, sha256);
    return found;
  };
  const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
  for (const pointId of [first, second]) {
    const found = await digestsOf(pointId);
    expect(found.get('/big.bin')).toBe(sha256(bigContent()));
    expect(found.get('/docs/note.txt')).toBe(sha256('note\n'));
    expect(found.get('/docs')).toBeUndefined();
    expect(found.get('/sparse')).toBeUndefined(); // longer than its disk
  }
  expect((await digestsOf(second)).get('/invoice-7.pdf')).toBe(sha256('new content'));
});

test('a cache folder that cannot be used is named, with the variable that names another', async () => {
  const { folder, run } = await onePoint((dir) => oddFilesImage({ dir }));
  writeFileSync(join(folder, 'file'), '');
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'file'));
  const { result, exitCode } = await run('find', 'hosts');
  expect(exitCode).toBe(1);
  expect(result).toMatchObject({ code: 'TargetUnusable', message: expect.stringMatching(/ENOTDIR.*XDG_CACHE_HOME/) });
});
