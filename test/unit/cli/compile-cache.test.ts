import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { keepCompiledCode } from '../../../src/cli/compile-cache.ts';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

test('a command keeps its compiled code in the cache folder of the user', async () => {
  const home = await mkdtemp(join(tmpdir(), 'understudy-compiled-'));
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  try {
    execFileSync(process.execPath, [MAIN, '--help'], { env: { ...env, XDG_CACHE_HOME: home } });
    expect(await readdir(join(home, 'understudy', 'compiled'))).not.toEqual([]);
  } finally {
    await rm(home, { recursive: true });
  }
}, 60_000);

test('a folder that the user named for compiled code stays', () => {
  const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'understudy-chosen') };
  keepCompiledCode(env);
  expect(env.NODE_COMPILE_CACHE).toBe(join(tmpdir(), 'understudy-chosen'));
});
