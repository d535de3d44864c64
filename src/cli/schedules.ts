import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { tellSteps } from './set-up-steps.ts';

export function schedulesCommand(deps: CliDeps): Command {
  return new Command('schedules')
    .description("make Temporal's schedules what the plans of temporal.config.ts say; a person's pause stays")
    .option('--prune', 'remove schedules of plans that are gone (default: pause them)')
    .option('--json', 'one schedule per JSON line')
    .action(async ({ prune = false, json }: { prune?: boolean; json?: true }) => {
      const tell = tellSteps(deps, json === true);
      const setUp = await deps.openSetUp();
      try {
        for (const step of await setUp.syncSchedules({ prune })) tell.step(step);
        tell.end();
      } finally {
        await setUp.close();
      }
    });
}
