import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const LIMIT_MS = 60_000;

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'understudy-compiled-'));
});

afterEach(async () => {
  await rm(home, { recursive: true });
});

function runCommand(more: NodeJS.ProcessEnv): void {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  execFileSync(process.execPath, [MAIN, '--help'], { env: { ...env, XDG_CACHE_HOME: home, ...more } });
}

test(
  'a command keeps its compiled code in the cache folder of the user',
  async () => {
    runCommand({});
    expect(await readdir(join(home, 'understudy', 'compiled'))).not.toEqual([]);
  },
  LIMIT_MS,
);

test(
  'a folder that the user named for compiled code is used in its place',
  async () => {
    runCommand({ NODE_COMPILE_CACHE: join(home, 'chosen') });
    expect(await readdir(join(home, 'chosen'))).not.toEqual([]);
    expect(await readdir(home)).toEqual(['chosen']);
  },
  LIMIT_MS,
);
