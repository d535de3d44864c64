import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MODULE = new URL('../../../src/cli/frugal-process.ts', import.meta.url).href;
const PROGRAM = `
import { restartFrugally } from '${MODULE}';
restartFrugally(process.env);
const { MALLOC_ARENA_MAX: arenas, MALLOC_TRIM_THRESHOLD_: trim } = process.env;
const flags = process.execArgv;
console.log(JSON.stringify({ pid: process.pid, words: process.argv.slice(2), flags, arenas, trim }));
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-frugal-'));
  await writeFile(join(folder, 'program.mjs'), PROGRAM);
});
afterAll(() => rm(folder, { recursive: true }));

async function run(env: Record<string, string>) {
  const args = ['--no-warnings', join(folder, 'program.mjs'), 'worker', 'mover'];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  return { pid: child.pid, told: JSON.parse(output) };
}

test('a worker begins once more under its id and with its words, told to keep little memory', async () => {
  const { pid, told } = await run({});
  expect(told).toEqual({
    pid,
    words: ['worker', 'mover'],
    flags: ['--max-semi-space-size=2', '--heap-growing-percent=20', '--no-warnings'],
    arenas: '2',
    trim: '4194304',
  });
});

test("what a person says about glibc's memory stays, and nothing begins twice", async () => {
  expect((await run({ MALLOC_ARENA_MAX: '5' })).told).toMatchObject({ arenas: '5', trim: '4194304' });
  expect((await run({ MALLOC_TRIM_THRESHOLD_: '0' })).told).toMatchObject({ flags: ['--no-warnings'], trim: '0' });
});
