import { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { describePoint } from './point-line.ts';

interface PointsOptions {
  readonly vault?: string;
  readonly json?: true;
}

export function pointsCommand({ openPoints, stdout, stderr, now }: CliDeps): Command {
  return new Command('points')
    .description('list recovery points, newest first, as the vault itself holds them')
    .argument('[instance]', 'only of this production instance')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--json', 'one point per JSON line')
    .action(async (instanceId: string | undefined, { vault, json }: PointsOptions) => {
      const points = await openPoints(vault);
      const lines = jsonLines(stdout);
      let count = 0;
      try {
        for await (const point of points.list({ instanceId })) {
          count++;
          if (json) lines.item(point);
          else stdout.write(`${describePoint(point, now())}\n`);
        }
      } finally {
        await points.close();
      }
      if (json) lines.result({ points: count });
      else if (count === 0) stderr.write('no recovery points\n');
    });
}
