import { Command } from 'commander';
import type { CliDeps, RunningBackup } from './deps.ts';
import { formatAge } from './format.ts';
import { jsonLines } from './json-lines.ts';
import type { CommittedPoint, PointLine } from './point-line.ts';

/** What protects one instance, and how old it is. */
export interface InstanceStatus {
  readonly instanceId: string;
  readonly newest: CommittedPoint | null;
  readonly newestVerified: CommittedPoint | null;
  readonly verifiedAgeSeconds: number | null;
  readonly running: RunningBackup | null;
}

export function statusCommand({ openPoints, openBackups, stdout, stderr, now }: CliDeps): Command {
  return new Command('status')
    .description('per instance: newest point, newest verified point and its age, and what runs now')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--json', 'one instance per JSON line')
    .action(async ({ vault, json }: { vault?: string; json?: true }) => {
      const backups = await openBackups();
      const points = await openPoints(vault);
      try {
        const statuses = await readStatuses(points.list({}), await backups.running(), now());
        const lines = jsonLines(stdout);
        for (const status of statuses) {
          if (json) lines.item(status);
          else stdout.write(`${describeStatus(status, now())}\n`);
        }
        if (json) lines.result({ instances: statuses.length });
        else if (statuses.length === 0) stderr.write('no recovery points and no running backups\n');
      } finally {
        await points.close();
        await backups.close();
      }
    });
}

/** Points come newest first, so the first of each kind counts. */
async function readStatuses(
  points: AsyncIterable<PointLine>,
  running: readonly RunningBackup[],
  now: Date,
): Promise<readonly InstanceStatus[]> {
  const newest = new Map<string, CommittedPoint>();
  const verified = new Map<string, CommittedPoint>();
  for await (const point of points) {
    if (point.state !== 'committed') continue;
    if (!newest.has(point.instanceId)) newest.set(point.instanceId, point);
    if (isVerified(point) && !verified.has(point.instanceId)) verified.set(point.instanceId, point);
  }
  const ids = new Set([...newest.keys(), ...running.map(({ instanceId }) => instanceId)]);
  return [...ids].sort().map((instanceId) => {
    const newestVerified = verified.get(instanceId) ?? null;
    return {
      instanceId,
      newest: newest.get(instanceId) ?? null,
      newestVerified,
      verifiedAgeSeconds: newestVerified && Math.round((now.getTime() - Date.parse(newestVerified.capturedAt)) / 1000),
      running: running.find((backup) => backup.instanceId === instanceId) ?? null,
    };
  });
}

/** Booted and asked; what was only read says nothing of the application. */
function isVerified({ validation }: CommittedPoint): boolean {
  return validation?.verdict === 'green' && validation.level === 'launch';
}

function describeStatus({ instanceId, newest, newestVerified, running }: InstanceStatus, now: Date): string {
  const tell = (point: CommittedPoint | null) =>
    point ? `${point.pointId} (${formatAge(point.capturedAt, now)}, ${point.consistency.disks})` : 'none';
  return [
    instanceId,
    `newest ${tell(newest)}`,
    `newest verified ${tell(newestVerified)}`,
    running ? `running: ${running.phase}, since ${formatAge(running.startedAt, now)}` : 'idle',
  ].join('  ');
}
