import type { Recipe } from './recipe.ts';

/** A recipe of one's own, with its parameters' type inferred; name it under `recipes` of the configuration by `use`. */
export function defineRecipe<P>(recipe: Recipe<P>): Recipe<P> {
  return recipe;
}
