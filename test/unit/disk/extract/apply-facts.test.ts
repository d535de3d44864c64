import { execFileSync } from 'node:child_process';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { applyFacts } from '../../../../src/disk/extract/apply-facts.ts';
import type { FileTree } from '../../../../src/disk/tree/file-tree.ts';
import { FormatError } from '../../../../src/errors.ts';
import { NEVER, temporaryFolder } from '../../../support/vault-fixture.ts';

const MTIME_NS = 1_790_000_001_000_000_000n;

/** A new file that is given the facts of one with these attributes; how that went, and where it is. */
async function applied(xattrs: FileTree['xattrs']) {
  const path = join(await temporaryFolder(), 'file');
  const entry = { name: 'file', kind: 'file', inode: 12n, links: 1, size: 0, mode: 0o400, uid: 0, gid: 0 } as const;
  const times = { atimeNs: MTIME_NS, mtimeNs: MTIME_NS, ctimeNs: MTIME_NS };
  const tree = { xattrs } as FileTree;
  const handle = await open(path, 'w', 0o600);
  const unset = await applyFacts(handle, { tree, entry: { ...entry, ...times } }, { asRoot: false, signal: NEVER });
  await handle.close();
  return { path, unset };
}

test('attributes of any bytes and names are set, also of a file that nobody may write', async () => {
  const value = Uint8Array.from([0, 255, 10, 92, 61]);
  const names = ['user.note', 'user.a=b\\c', 'user.\xfc'];
  const { path, unset } = await applied(async () => new Map(names.map((name) => [name, value])));
  expect(unset).toBeUndefined();
  const told = execFileSync('getfattr', ['--absolute-names', '-d', '-e', 'hex', path], { encoding: 'latin1' });
  const set = told.split('\n').filter((line) => line.startsWith('user.'));
  expect(set.sort()).toEqual(
    ['user.a\\075b\\134c=0x00ff0a5c3d', 'user.note=0x00ff0a5c3d', 'user.\xfc=0x00ff0a5c3d'].sort(),
  );
  expect((await stat(path)).mode & 0o7777).toBe(0o400);
  expect((await stat(path)).mtimeMs).toBe(Number(MTIME_NS / 1_000_000n));
});

test('what the kernel refuses is named by its own words, and the rest is set', async () => {
  const { path, unset } = await applied(
    async () =>
      new Map([
        ['nonsense.name', new Uint8Array(1)],
        ['user.b', new Uint8Array()],
      ]),
  );
  expect(unset).toEqual({
    problem: 'extended attributes are not set (Operation not supported); --tar holds them',
    isDamage: false,
  });
  expect(execFileSync('getfattr', ['--absolute-names', path], { encoding: 'utf8' })).toContain('user.b');
});

test('without setfattr it says what to install', async () => {
  vi.stubEnv('PATH', '/nowhere');
  const { unset } = await applied(async () => new Map([['user.note', new Uint8Array(1)]]));
  expect(unset?.problem).toMatch(/there is no setfattr: install the package attr/);
});

test('attributes that are damaged cost themselves and not the file', async () => {
  const { path, unset } = await applied(async () => {
    throw new FormatError('an attribute block is not one');
  });
  expect(unset).toEqual({ problem: expect.stringContaining('an attribute block is not one'), isDamage: true });
  expect((await stat(path)).mtimeMs).toBe(Number(MTIME_NS / 1_000_000n));
});
