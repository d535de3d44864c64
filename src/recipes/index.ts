/** For people who write a recipe (docs/recipes.md). */

export type { Fact } from '../contract/evidence.ts';
export type { FileReader, FileTail } from '../disk/file-reader.ts';
export { defineRecipe } from './define-recipe.ts';
export type { Recipe } from './recipe.ts';
