import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { tellSteps } from './set-up-steps.ts';

export function initCommand(deps: CliDeps): Command {
  return new Command('init')
    .description('make what must exist before the first backup: deployment id, vaults, search attributes; repeatable')
    .option('--json', 'one step per JSON line')
    .action(async ({ json }: { json?: true }) => {
      const tell = tellSteps(deps, json === true);
      const setUp = await deps.openSetUp();
      try {
        tell.step(await setUp.ensureDeploymentId());
        for (const step of await setUp.ensureVaults()) tell.step(step);
        tell.step(await setUp.ensureSearchAttributes());
        tell.end();
      } finally {
        await setUp.close();
      }
    });
}
