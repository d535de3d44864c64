import { z } from 'zod';
import type { Recipe } from '../recipes/recipe.ts';

/** A recipe that a person wrote: its shape is looked at here, its scripts when a worker starts. */
const OwnRecipe = z.custom<Recipe>(
  (value) => typeof value === 'object' && value !== null && 'name' in value && 'params' in value && 'scripts' in value,
  'must be the name of a recipe or a recipe made by defineRecipe',
);

/** Parameters of a recipe, and with `use` which one it is, where that is not the entry's own name. */
export const RecipeConfig = z.looseObject({ use: z.union([z.string().min(1), OwnRecipe]).optional() });
export type RecipeConfig = z.output<typeof RecipeConfig>;
