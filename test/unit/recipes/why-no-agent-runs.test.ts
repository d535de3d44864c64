import { expect, test } from 'vitest';
import { ConfigurationError } from '../../../src/errors.ts';
import type { Recipe } from '../../../src/recipes/recipe.ts';
import { findRecipe } from '../../../src/recipes/registry.ts';
import { plansMustHaveAgents } from '../../../src/recipes/why-no-agent-runs.ts';

const { agent: _, ...scripts } = findRecipe('redis').scripts;
const QUIET: Recipe = { ...findRecipe('redis'), name: 'quiet', scripts };
const find = (name: string) => (name === 'quiet' ? QUIET : findRecipe(name));
const config = (request: { readonly method: string; readonly recipes?: readonly string[] }) => ({
  plans: { dumps: { request } },
  recipes: { quiet: {}, redis: {} },
});

test('a plan by agents whose recipes have none is refused when a worker starts, by its name and with what to do', () => {
  const check = () => plansMustHaveAgents(config({ method: 'application-agent', recipes: ['quiet'] }), find);
  expect(check).toThrow(ConfigurationError);
  expect(check).toThrow(/^plans\.dumps\.request\.method: .*\(asked for: quiet\)\. Configure or name one that has$/);
});

test.each([
  { what: 'with one recipe that has an agent', request: { method: 'application-agent' } },
  { what: 'that needs none', request: { method: 'stop-and-snapshot', recipes: ['quiet'] } },
])('a plan $what is taken', ({ request }) => {
  expect(() => plansMustHaveAgents(config(request), find)).not.toThrow();
});
