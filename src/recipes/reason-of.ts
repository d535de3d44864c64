import type { RecipeAnswer } from '../contract/evidence.ts';

/** Why a script said no, or how it broke; with the colon that goes before it. Guest text. Empty where nothing is known. */
export function reasonOf(answer: RecipeAnswer | undefined): string {
  const { reason, error } = answer?.facts ?? {};
  // A broken answer's own reason is one that its exit status contradicts.
  const why = answer?.broken ? error : (reason ?? error);
  return why === undefined ? '' : `: ${String(why)}`;
}
