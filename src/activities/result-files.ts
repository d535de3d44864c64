import type { RecipeAnswer } from '../contract/evidence.ts';
import type { BootResults } from '../recipes/boot/report.ts';
import type { EvidenceFiles } from './seal-evidence.ts';

/**
 * A recipe leaves up to 17 files, 5 of them logs: those of 19 recipes fit beside the machine's own. A guest that leaves thousands
 * gets no more of them sealed.
 */
const MAX_RESULT_FILES = 100;

/** What the boot script left, as evidence; where that is too much, what tells of failures comes first. */
export function resultFiles({ files, answers }: BootResults): EvidenceFiles {
  const failed = new Set(answers.filter(hasFailed).map(({ recipe }) => recipe));
  return [...files]
    .sort(([a], [b]) => rank(a, failed) - rank(b, failed))
    .slice(0, MAX_RESULT_FILES)
    .map(([name, bytes]) => ({ name: `result-${name}`, contentType: typeOf(name), bytes }));
}

/** As text, `vault inspect` shows a log to people. */
function typeOf(name: string): string {
  return name.endsWith('.log') ? 'text/plain' : 'application/octet-stream';
}

/** That an application is not here is an answer like any other. */
function hasFailed({ step, ok, broken }: RecipeAnswer): boolean {
  return !ok && (step !== 'detect' || broken === true);
}

/** Answers, exit statuses, records and lists come last: the report holds what they say. */
function rank(name: string, failed: ReadonlySet<string>): number {
  const [, recipe, rest = ''] = /^(?:answers|agents)\/([^.]*)(.*)$/.exec(name) ?? [];
  if (recipe === undefined) return 1;
  if (!rest.endsWith('.log')) return 3;
  return failed.has(recipe) ? 0 : 2;
}
