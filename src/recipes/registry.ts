import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../errors.ts';
import { createCommandRecipe } from './command/recipe.ts';
import { pgbackrest } from './pgbackrest/recipe.ts';
import { postgresql } from './postgresql/recipe.ts';
import type { Recipe } from './recipe.ts';
import { redis } from './redis/recipe.ts';

const BUILT_IN: readonly Recipe[] = [postgresql, pgbackrest, redis];

/** The recipe behind a name of the configuration. UnknownName when it has none. */
export type FindRecipe = (name: string) => Recipe;

/** One recipe of the configuration: what it uses, and its parameters beside that. */
export interface RecipeEntry {
  /** A built-in recipe's name, `command`, or a recipe of the person's own; default: the entry's own name. */
  readonly use?: string | Recipe | undefined;
  readonly [parameter: string]: unknown;
}

/** A built-in recipe. UnknownName lists the names there are. */
export function findRecipe(name: string): Recipe {
  const recipe = BUILT_IN.find((known) => known.name === name);
  if (recipe) return recipe;
  const names = [...BUILT_IN.map((known) => known.name), 'command'].join(', ');
  throw new ConfigurationError(
    'UnknownName',
    `There is no recipe "${name}". Use one of ${names}, or one of your own (docs/recipes.md).`,
  );
}

/**
 * All recipes of a configuration, by the names it gives them; paths of scripts are relative to `base`, the configuration.
 * InvalidConfiguration names what is wrong, a script that is missing included: a run would find out in its machine only.
 */
export async function openRecipes(entries: Readonly<Record<string, RecipeEntry>>, base: URL): Promise<FindRecipe> {
  const recipes = new Map<string, Recipe>();
  for (const [name, entry] of Object.entries(entries)) {
    const recipe = { ...makeRecipe(name, entry, base), name };
    await mustHaveScripts(recipe);
    recipes.set(name, recipe);
  }
  return (name) => recipes.get(name) ?? findRecipe(name);
}

function makeRecipe(name: string, entry: RecipeEntry, base: URL): Recipe {
  const { use = name } = entry;
  if (typeof use !== 'string') return use;
  return use === 'command' ? createCommandRecipe(name, entry, base) : findRecipe(use);
}

async function mustHaveScripts({ name, scripts, library = [] }: Recipe): Promise<void> {
  for (const url of [...Object.values(scripts), ...library]) {
    if (url === undefined) continue;
    await access(url).catch((cause: unknown) => {
      const message = `recipes.${name}: the script ${fileURLToPath(url)} cannot be read. Correct its path, which is relative to temporal.config.ts.`;
      throw new ConfigurationError('InvalidConfiguration', message, { cause });
    });
  }
}
