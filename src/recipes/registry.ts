import { recipeParams } from '../contract/recipe-params.ts';
import { ConfigurationError } from '../errors.ts';
import { OUTPUT_RECORD } from './boot/harvest.ts';
import { readRecipeFiles } from './boot/recipe-files.ts';
import { createCommandRecipe } from './command/recipe.ts';
import { mustBeRecipe } from './own-recipe.ts';
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
 * InvalidConfiguration names what is wrong with what a machine gets of them: a run would find out when it holds a capture.
 */
export async function openRecipes(entries: Readonly<Record<string, RecipeEntry>>, base: URL): Promise<FindRecipe> {
  const recipes = new Map<string, Recipe>();
  for (const [name, entry] of Object.entries(entries)) {
    if (name === OUTPUT_RECORD) {
      const message = `recipes.${name}: the machine's own record of what agents wrote has this name. Call the recipe otherwise.`;
      throw new ConfigurationError('InvalidConfiguration', message);
    }
    const recipe = { ...makeRecipe(name, entry, base), name };
    await readRecipeFiles(recipe, recipeParams(entry));
    recipes.set(name, recipe);
  }
  return (name) => recipes.get(name) ?? findRecipe(name);
}

function makeRecipe(name: string, entry: RecipeEntry, base: URL): Recipe {
  const { use = name } = entry;
  if (typeof use !== 'string') return mustBeRecipe(name, use);
  return use === 'command' ? createCommandRecipe(name, entry, base) : findRecipe(use);
}
