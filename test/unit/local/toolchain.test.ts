import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readToolchain } from '../../../local/toolchain.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-toolchain-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a folder that is not set up is told to run the set-up', () => {
  expect(() => readToolchain(join(folder, 'toolchain.json'))).toThrow(/not set up .*run "npm run setup"/);
});

test.each([
  { text: '{"node":"/n"}', names: 'qemu' },
  { text: '{"accel":"hvf"}', names: 'accel' },
  { text: 'half a fi', names: 'the file' },
])('a file of another version ($text) is refused naming $names', async ({ text, names }) => {
  const file = join(folder, 'toolchain.json');
  await writeFile(file, text);
  expect(() => readToolchain(file)).toThrow(new RegExp(`another version.*${names}: .*run "npm run setup"`));
});

test('the set-up of this folder is readable', () => {
  expect(['kvm', 'tcg']).toContain(readToolchain().accel);
});
