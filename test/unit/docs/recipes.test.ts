import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const PAGE = read('docs/recipes.md');

test('the agent that the page shows is the one that a machine runs', () => {
  const shown = /<!-- agent:begin.*?-->\n```sh\n([\s\S]*?)```\n<!-- agent:end -->/.exec(PAGE)?.[1];
  expect(shown).toBe(read('examples/recipes/folders/agent.sh'));
});

test('the page names every recipe there is, and every step and variable that the boot script knows', () => {
  const folders = readdirSync(new URL('../../../src/recipes', import.meta.url), { withFileTypes: true });
  const recipes = folders.filter((entry) => entry.isDirectory() && entry.name !== 'boot').map(({ name }) => name);
  for (const name of recipes) expect(PAGE).toContain(`| \`${name}\` |`);
  const steps = [...read('src/recipes/recipe.ts').matchAll(/^ {4}readonly ([a-z]+)\??: URL;/gm)].map(
    ([, name]) => name,
  );
  expect(steps.length).toBeGreaterThan(5);
  for (const name of steps) expect(PAGE).toContain(`| \`${name}\` |`);
  const variables = read('src/recipes/boot/steps.sh').match(/UNDERSTUDY_[A-Z_]+(?==)/g) ?? [];
  expect(variables.length).toBeGreaterThan(3);
  for (const name of variables) expect(PAGE).toContain(`\`${name}\``);
});

test.each(['src', 'node_modules/understudy/dist'])('the trial without a machine works as printed, with %s', (code) => {
  const shown = /<!-- try:begin -->\n```sh\n([\s\S]*?)```\n<!-- try:end -->/.exec(PAGE)?.[1];
  const folder = mkdtempSync(join(tmpdir(), 'try-'));
  try {
    mkdirSync(join(folder, dirname(code)), { recursive: true });
    symlinkSync(fileURLToPath(new URL('../../../src', import.meta.url)), join(folder, code));
    symlinkSync(fileURLToPath(new URL('../../../examples', import.meta.url)), join(folder, 'examples'));
    const said = execFileSync('sh', ['-c', shown ?? 'exit 1'], { cwd: folder, encoding: 'utf8' });
    expect(said.trim().split('\n').at(-1)).toBe('{"ok":true,"facts":{"entries":2}}');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('functions of the library that the page names exist', () => {
  const library = read('src/recipes/boot/lib.sh');
  const named = /functions to source: (.*?) \|/.exec(PAGE)?.[1]?.match(/`([a-z_]+)/g) ?? [];
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) expect(library).toMatch(new RegExp(`^${name.slice(1)}\\(\\)`, 'm'));
});
