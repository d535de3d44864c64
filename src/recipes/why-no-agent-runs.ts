import { ConfigurationError } from '../errors.ts';
import type { FindRecipe } from './registry.ts';

/** What a configuration says of its plans, as far as it is looked at here. */
export type PlannedRequests = Readonly<
  Record<string, { readonly request: { readonly method: string; readonly recipes?: readonly string[] | undefined } }>
>;

/** Why none of these recipes makes an agent run, and what to do; undefined where one does. */
export function whyNoAgentRuns(names: readonly string[], findRecipe: FindRecipe): string | undefined {
  if (names.some((name) => findRecipe(name).scripts.agent !== undefined)) return undefined;
  const asked = names.join(', ') || 'none';
  return `"application-agent" needs a recipe with an agent (asked for: ${asked}). Configure or name one that has`;
}

/** A plan whose runs would all be refused stops the worker when it starts, and not at night. InvalidConfiguration names it. */
export function plansMustHaveAgents(
  { plans, recipes }: { readonly plans: PlannedRequests; readonly recipes: Readonly<Record<string, unknown>> },
  findRecipe: FindRecipe,
): void {
  for (const [name, { request }] of Object.entries(plans)) {
    if (request.method !== 'application-agent') continue;
    const why = whyNoAgentRuns(request.recipes ?? Object.keys(recipes), findRecipe);
    if (why !== undefined) throw new ConfigurationError('InvalidConfiguration', `plans.${name}.request.method: ${why}`);
  }
}
