import { ConfigurationError } from '../errors.ts';
import { postgresql } from './postgresql/recipe.ts';
import type { Recipe } from './recipe.ts';
import { redis } from './redis/recipe.ts';

const RECIPES: readonly Recipe[] = [postgresql, redis];

/** UnknownName lists the names there are. */
export function findRecipe(name: string): Recipe {
  const recipe = RECIPES.find((known) => known.name === name);
  if (recipe) return recipe;
  const names = RECIPES.map((known) => known.name).join(', ');
  throw new ConfigurationError('UnknownName', `There is no recipe "${name}". Name one of: ${names}.`);
}
