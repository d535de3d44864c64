import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { ALL_POINTS, type ListOptions, tellPoints } from './tell-points.ts';

interface PointsOptions extends ListOptions {
  readonly vault?: string;
}

export function pointsCommand(deps: CliDeps): Command {
  return new Command('points')
    .description('list recovery points, newest first, as the vault itself holds them')
    .argument('[instance]', 'only of this production instance')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option(...ALL_POINTS)
    .option('--json', 'one point per JSON line')
    .action(async (instanceId: string | undefined, options: PointsOptions) => {
      const points = await deps.openPoints(options.vault);
      try {
        await tellPoints(points.list({ instanceId }), options, deps);
      } finally {
        await points.close();
      }
    });
}
