import type { CliDeps, SetUpStep } from './deps.ts';
import { jsonLines } from './json-lines.ts';

/** Tells each step as it is done, so a failure in the next leaves no doubt about this one. */
export function tellSteps({ stdout }: Pick<CliDeps, 'stdout'>, json: boolean) {
  const lines = jsonLines(stdout);
  let count = 0;
  return {
    step({ what, outcome, found }: SetUpStep): void {
      count++;
      if (json) lines.item({ what, outcome, found });
      else stdout.write(`${outcome.padEnd(10)} ${what.padEnd(22)} ${found}\n`);
    },
    end(): void {
      if (json) lines.result({ steps: count });
    },
  };
}
