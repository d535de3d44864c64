import { readdirSync, readFileSync } from 'node:fs';
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

test('functions of the library that the page names exist', () => {
  const library = read('src/recipes/boot/lib.sh');
  const named = /functions to source: (.*?) \|/.exec(PAGE)?.[1]?.match(/`([a-z_]+)/g) ?? [];
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) expect(library).toMatch(new RegExp(`^${name.slice(1)}\\(\\)`, 'm'));
});
