import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../../../src/config/index.ts';
import { resolveRecipes } from '../../../src/config/resolve-names.ts';
import type { ConfiguredRecipe } from '../../../src/contract/resolved-backup.ts';
import { ConfigurationError } from '../../../src/errors.ts';
import { assembleBootMedia } from '../../../src/recipes/boot/media.ts';
import { HEADER_BYTES } from '../../../src/recipes/boot/scratch-layout.ts';
import { decodeTar } from '../../../src/recipes/boot/tar.ts';
import { defineRecipe } from '../../../src/recipes/define-recipe.ts';
import type { Recipe } from '../../../src/recipes/recipe.ts';
import { type FindRecipe, findRecipe, openRecipes, type RecipeEntry } from '../../../src/recipes/registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'recipes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['agent.sh', 'own.sh', 'words.txt']) writeFileSync(join(folder, name), `# ${name}\n`);
mkdirSync(join(folder, 'folder.sh'));
mkdirSync(join(folder, 'steps'));
for (const name of ['stop.sh', 'words.txt']) writeFileSync(join(folder, 'steps', name), `# another ${name}\n`);
const LONG = 'x'.repeat(120);
writeFileSync(join(folder, LONG), '');
const BASE = pathToFileURL(join(folder, 'temporal.config.ts'));

const SHOP = {
  use: 'command',
  scripts: { agent: './agent.sh', library: ['./words.txt'] },
  params: { folders: ['/srv/a b', '/srv/$(reboot)'], deep: { list: [1, { two: 2 }] } },
};

function configured(recipes: Record<string, RecipeEntry>) {
  return defineConfig({
    vaults: { main: { url: 'file:///vault', kmsKeyId: 'file:///key' } },
    isolation: {
      sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' },
    },
    recipes,
  });
}

function mediaOf(find: FindRecipe, recipes: readonly ConfiguredRecipe[]) {
  const times = { recoverMs: 1_000, stopMs: 60_000 };
  return assembleBootMedia({ runId: '20261123T023107Z-9f2c01ab', role: 'clone', recipes, ...times }, find);
}

/** What a machine finds on its scratch volume, as text by path. */
async function filesOf(recipes: Record<string, RecipeEntry>): Promise<ReadonlyMap<string, string>> {
  const find = await openRecipes(recipes, BASE);
  const { scratch } = await mediaOf(find, resolveRecipes(configured(recipes), undefined));
  const files = decodeTar(scratch.subarray(HEADER_BYTES));
  return new Map([...files].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));
}

describe('a command recipe', () => {
  test("ships the person's own scripts and library under the name that the configuration gives it", async () => {
    const files = await filesOf({ shop: SHOP });
    expect(files.get('plan/recipes')).toBe('shop\n');
    expect(files.get('recipes/shop/agent.sh')).toBe('# agent.sh\n');
    expect(files.get('recipes/shop/words.txt')).toBe('# words.txt\n');
    for (const step of ['detect', 'recovered', 'probe']) expect(files.get(`recipes/shop/${step}.sh`)).toMatch(/^yes$/m);
  });

  test.each(['a#b.sh', 'a%zz.sh', 'a%20b.sh', 'a?b.sh'])(
    'reads a script called "%s" by this very name',
    async (name) => {
      writeFileSync(join(folder, name), `# ${name}\n`);
      const files = await filesOf({ shop: { ...SHOP, scripts: { agent: `./${name}` } } });
      expect(files.get('recipes/shop/agent.sh')).toBe(`# ${name}\n`);
    },
  );

  test.each(Object.keys(findRecipe('postgresql').scripts).concat('stop'))(
    'may have a script for "%s"',
    async (step) => {
      const files = await filesOf({ shop: { ...SHOP, scripts: { [step]: './own.sh' } } });
      expect(files.get(`recipes/shop/${step}.sh`)).toBe('# own.sh\n');
    },
  );

  test('hands parameters over as files and as one JSON file, never as text of a shell', async () => {
    const files = await filesOf({ shop: SHOP });
    expect(JSON.parse(files.get('recipes/shop/params/params.json') ?? '')).toEqual(SHOP.params);
    expect(files.get('recipes/shop/params/folders')).toBe('/srv/a b\n/srv/$(reboot)\n');
  });

  test('leaves paths of its scripts out of what is recorded in histories', () => {
    expect(resolveRecipes(configured({ shop: SHOP }), ['shop'])).toEqual([{ name: 'shop', params: SHOP.params }]);
  });

  test.each([
    {
      entry: { ...SHOP, scripts: { agent: './gone.sh' } },
      says: /recipes\.shop: the script .*gone\.sh \(agent\) cannot be read: ENOENT/,
    },
    {
      entry: { ...SHOP, scripts: { agent: 'http://x/y.sh' } },
      says: /recipes\.shop: the script .*y\.sh \(agent\) cannot be read: ENOENT/,
    },
    { entry: { ...SHOP, scripts: null }, says: /recipes\.shop\.scripts: / },
    {
      entry: { ...SHOP, scripts: { agent: './folder.sh' } },
      says: /recipes\.shop: the script .*folder\.sh \(agent\) cannot be read: EISDIR/,
    },
    {
      entry: { ...SHOP, scripts: { library: [`./${LONG}`] } },
      says: /recipes\.shop: the path of "x+" is too long for a machine/,
    },
    {
      entry: { ...SHOP, scripts: { library: ['./steps/stop.sh'] } },
      says: /recipes\.shop: "stop\.sh" of its library has the name of a step/,
    },
    {
      entry: { ...SHOP, scripts: { library: ['./words.txt', './steps/words.txt'] } },
      says: /recipes\.shop: two files of its library are called "words\.txt"/,
    },
    { entry: { ...SHOP, params: { 'a b': 1 } }, says: /recipes\.shop\.a b: / },
    { entry: { ...SHOP, scripts: { agents: './agent.sh' } }, says: /recipes\.shop\.scripts: .*agents/ },
    { entry: { ...SHOP, parms: {} }, says: /recipes\.shop: .*parms/ },
    { entry: { use: 'mysql' }, says: /no recipe "mysql"\. Use one of postgresql, pgbackrest, redis, command/ },
  ])('that is wrong is refused when a worker starts: $says', async ({ entry, says }) => {
    await expect(openRecipes({ shop: entry }, BASE)).rejects.toThrow(ConfigurationError);
    await expect(openRecipes({ shop: entry }, BASE)).rejects.toThrow(says);
  });
});

test('no recipe is called as the record of the output is: its own record would be lost behind it', async () => {
  await expect(openRecipes({ output: SHOP }, BASE)).rejects.toThrow(/recipes\.output: .* Call the recipe otherwise/);
});

test('a script that goes after the start of the worker fails the run at once, by its name, and is not waited for', async () => {
  writeFileSync(join(folder, 'goes.sh'), '# goes\n');
  const find = await openRecipes({ shop: { use: 'command', scripts: { agent: './goes.sh' } } }, BASE);
  rmSync(join(folder, 'goes.sh'));
  const refusal = await mediaOf(find, [{ name: 'shop', params: {} }]).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'InvalidConfiguration', status: 'permanent' });
  expect(String(refusal)).toMatch(/recipes\.shop: the script .*goes\.sh \(agent\) cannot be read: ENOENT/);
});

test('a built-in recipe may stand twice, under names of its own and with parameters of its own', async () => {
  const files = await filesOf({ 'pg-a': { use: 'postgresql', port: 5433 }, 'pg-b': { use: 'postgresql', port: 5434 } });
  expect(files.get('recipes/pg-a/params/port')).toBe('5433\n');
  expect(files.get('recipes/pg-b/params/port')).toBe('5434\n');
});

test('a recipe made with defineRecipe is named by its value, and its parameters are checked by its own schema', async () => {
  const script = pathToFileURL(join(folder, 'own.sh'));
  const own = defineRecipe({
    name: 'anything',
    params: z.strictObject({ size: z.int() }),
    scripts: { detect: script, recovered: script, probe: script },
  });
  expect((await filesOf({ mine: { use: own, size: 3 } })).get('recipes/mine/params/size')).toBe('3\n');
  await expect(filesOf({ mine: { use: own, size: 'big' } })).rejects.toThrow(/recipes\.mine\.size/);
});

describe("a recipe of one's own that no compiler looked at", () => {
  const script = pathToFileURL(join(folder, 'own.sh'));
  const own = {
    name: 'mine',
    params: z.strictObject({}),
    scripts: { detect: script, recovered: script, probe: script },
  };
  const SCRIPT = "must be a file's URL, such as new URL('./detect.sh', import.meta.url)";

  test.each([
    { what: 'scripts that are none', change: { scripts: null }, says: 'recipes.mine.use.scripts: ' },
    {
      what: 'a path for a URL',
      change: { scripts: { ...own.scripts, detect: './detect.sh' } },
      says: `recipes.mine.use.scripts.detect: ${SCRIPT}`,
    },
    {
      what: 'a URL of the web',
      change: { scripts: { ...own.scripts, agent: new URL('http://x/y.sh') } },
      says: `recipes.mine.use.scripts.agent: ${SCRIPT}`,
    },
    {
      what: 'no probe',
      change: { scripts: { detect: script, recovered: script } },
      says: 'recipes.mine.use.scripts.probe: ',
    },
    { what: 'a step that does not exist', change: { scripts: { ...own.scripts, agnet: script } }, says: 'agnet' },
    { what: 'a library of paths', change: { library: ['./words.sh'] }, says: `recipes.mine.use.library.0: ${SCRIPT}` },
    { what: 'parameters without a schema', change: { params: {} }, says: 'recipes.mine.use.params: must be a schema' },
    {
      what: 'a fact that is no function',
      change: { cleanFact: true },
      says: 'recipes.mine.use.cleanFact: must be a function',
    },
  ])('and has $what is refused by the field when a worker starts', async ({ change, says }) => {
    const use = { ...own, ...change } as unknown as Recipe;
    const refusal = await openRecipes({ mine: { use } }, BASE).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'InvalidConfiguration', message: expect.stringContaining(says) });
  });
});
