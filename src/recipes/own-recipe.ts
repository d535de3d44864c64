import { z } from 'zod';
import { ConfigurationError } from '../errors.ts';
import type { Recipe } from './recipe.ts';

const Script = z.custom<URL>(
  (value) => value instanceof URL && value.protocol === 'file:',
  "must be a file's URL, such as new URL('./detect.sh', import.meta.url)",
);
const Method = z.custom((value) => typeof value === 'function', 'must be a function');

/** The shape of recipe.ts, for recipes that no compiler looked at. */
const Shape = z.looseObject({
  name: z.string(),
  params: z.custom(hasSafeParse, 'must be a schema of zod'),
  scripts: z.strictObject({
    detect: Script,
    recovered: Script,
    probe: Script,
    stop: Script.optional(),
    agent: Script.optional(),
    check: Script.optional(),
    load: Script.optional(),
    extract: Script.optional(),
  }),
  library: z.array(Script).optional(),
  cleanFact: Method.optional(),
  objects: Method.optional(),
});

/** InvalidConfiguration names the field of a person's own recipe that is wrong. */
export function mustBeRecipe(name: string, recipe: Recipe): Recipe {
  const parsed = Shape.safeParse(recipe);
  if (parsed.success) return recipe;
  const [issue] = parsed.error.issues;
  throw new ConfigurationError(
    'InvalidConfiguration',
    `recipes.${[name, 'use', ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'is not valid'}. Correct the recipe (docs/recipes.md).`,
  );
}

/** Not by its class: a recipe may bring a zod of its own. */
function hasSafeParse(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'safeParse' in value && typeof value.safeParse === 'function';
}
