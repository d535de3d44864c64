import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runVaultCli } from '../../support/cli-run.ts';
import { debugfs, oddFilesImage } from '../../support/odd-files-image.ts';
import { temporaryFolder } from '../../support/vault-fixture.ts';

/** Two points of one machine: between them one file changed, one came and one went. */
async function twoPoints() {
  const folder = await temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  const [key, url] = [join(folder, 'key'), `file://${folder}/vault`];
  writeFileSync(key, `${'42'.repeat(32)}\n`);
  await runVaultCli('vault', 'init', url, '--key-file', key);
  const image = oddFilesImage({ dir: folder });
  const put = () => runVaultCli('vault', 'put', image, url, '--machine', 'm1', '--key-file', key);
  expect(await put()).toMatchObject({ exitCode: 0 });
  writeFileSync(join(folder, 'new'), 'new content');
  debugfs(image, [
    `write ${join(folder, 'new')} invoice-7.pdf`,
    'rm docs/in-2106',
    'set_inode_field docs/note.txt ctime @1800000000',
  ]);
  expect(await put()).toMatchObject({ exitCode: 0 });
  const run = async (...args: string[]) => {
    const ended = await runVaultCli(...args, '--vault', url, '--key-file', key, '--json');
    const lines = ended.stdout.trimEnd().split('\n');
    return { ...ended, items: lines.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>) };
  };
  return { folder, run };
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
  expect(again.stderr).toMatch(/reading its names/);
  expect((await run('find', 'inv*.pdf')).stderr).not.toMatch(/reading its names/);
});
