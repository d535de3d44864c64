import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProgram, isAtLeast, type Program } from '../../../setup/program.mjs';

let folder: string;
let notes: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-program-'));
  notes = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the program that the variable names wins over PATH and cache', async () => {
  const named = await script('named', '2.0.0');
  await script('path/server', '2.1.0');
  const found = await find({ SERVER_PATH: named, PATH: join(folder, 'path') });
  expect(found).toEqual({ path: named, version: '2.0.0', source: 'SERVER_PATH', cached: true });
});

test('a variable that names nothing usable stops the set-up instead of being passed over', async () => {
  await script('path/server', '2.1.0');
  const finding = find({ SERVER_PATH: join(folder, 'nothing'), PATH: join(folder, 'path') });
  await expect(finding).rejects.toThrow(/SERVER_PATH names .*Remedy: correct SERVER_PATH or unset it/);
});

test('a program on the PATH is used if it is new enough, otherwise passed over with a word', async () => {
  const path = await script('path/server', '2.10.0');
  expect(await find({ PATH: join(folder, 'path') })).toMatchObject({ path, version: '2.10.0', source: 'PATH' });
  await script('path/server', '1.9.9');
  expect(await find({ PATH: join(folder, 'path') }, [builds('2.0.0')])).toMatchObject({ source: 'build of 2.0.0' });
  expect(notes.join('\n')).toContain('is 1.9.9, older than 2.0.0: not used');
});

test('without any the sources are tried in order, and the next set-up finds the result in the cache', async () => {
  const first = await find({ PATH: '' }, [fails('proxy unreachable'), builds('2.0.0')]);
  expect(first).toMatchObject({ version: '2.0.0', source: 'build of 2.0.0', cached: false });
  expect(notes.join('\n')).toMatch(/downloaded from the vendor.*\n.*127\.0\.0\.1.*\n.*\n.*proxy unreachable/);
  expect(await find({ PATH: '' }, [fails('not asked again')])).toEqual({ ...first, cached: true });
});

test('where no source works the message lists each with its reason and ends with a remedy', async () => {
  const finding = find({ PATH: '' }, [fails('proxy unreachable'), fails('no compiler')]);
  await expect(finding).rejects.toThrow(/proxy unreachable.*no compiler.*Remedy: .*set SERVER_PATH/);
});

test.each([
  { version: '1.10.0', minimum: '1.9.1', enough: true },
  { version: '1.9.1', minimum: '1.9.1', enough: true },
  { version: '1.9.0', minimum: '1.9.1', enough: false },
  { version: '2', minimum: '1.9.1', enough: true },
])('$version against a minimum of $minimum: $enough', ({ version, minimum, enough }) => {
  expect(isAtLeast(version, minimum)).toBe(enough);
});

type Build = Program['builds'][number];

function find(env: NodeJS.ProcessEnv, ways: readonly Build[] = []) {
  const program: Program = {
    command: 'server',
    variable: 'SERVER_PATH',
    minVersion: '2.0.0',
    parseVersion: (text) => /server (\S+)/.exec(text)?.[1],
    key: 'server-2.0.0',
    // Port 9 of the loopback address: nobody listens, so the vendor is unreachable at once.
    archive: { url: 'http://127.0.0.1:9/a.tar.gz', checksumsUrl: 'http://127.0.0.1:9/sums', member: 'server' },
    builds: ways,
  };
  const signal = new AbortController().signal;
  return findProgram(program, { env, cacheDir: join(folder, 'cache'), signal, note: (text) => notes.push(text) });
}

function builds(version: string): Build {
  return {
    title: `build of ${version}`,
    lasts: 'no time',
    run: (target) => writeScript(join(target, 'server'), version),
  };
}

function fails(reason: string): Build {
  return { title: 'a build', lasts: 'no time', run: () => Promise.reject(new Error(reason)) };
}

async function script(name: string, version: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeScript(path, version);
  return path;
}

async function writeScript(path: string, version: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\necho server ${version}\n`);
  await chmod(path, 0o755);
}
