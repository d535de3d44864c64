import { ConfigurationError } from '../errors.ts';
import type { ReadObjects } from './recipe.ts';
import type { FindRecipe } from './registry.ts';

/** How a recipe's records are read; undefined for one without any, or that the configuration has no more. */
export function findObjects(findRecipe: FindRecipe, name: string): ReadObjects | undefined {
  try {
    return findRecipe(name).objects;
  } catch (error) {
    if (error instanceof ConfigurationError && error.code === 'UnknownName') return undefined;
    throw error;
  }
}
