import type { Command } from 'commander';
import { VaultError } from '../errors.ts';
import type { CliDeps } from './deps.ts';
import { tellUnreadable } from './unreadable-point.ts';

interface LatestOptions {
  readonly vault?: string;
  readonly machine?: string;
}

/** For commands that hand the work to a worker, which takes ids alone. */
export function addLatestOption(command: Command): Command {
  return command.option('--machine <id>', 'with latest: of this machine');
}

/** The id that was named, or with `latest` that of the newest point which has not expired. */
export async function findPointId(named: string, { vault, machine }: LatestOptions, deps: CliDeps): Promise<string> {
  if (named !== 'latest') return named;
  const points = await deps.openPoints(vault);
  try {
    for await (const point of points.list({ instanceId: machine })) {
      if (point.state === 'committed') return point.pointId;
      if (point.state === 'invalid') tellUnreadable(deps)(point);
    }
  } finally {
    await points.close();
  }
  const whose = machine === undefined ? '' : ` of ${machine}`;
  throw new VaultError('PointMissing', `there is no recovery point${whose} yet`);
}
