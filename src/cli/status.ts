import { Command } from 'commander';
import { type Gap, gapsOfInstances, gapsOfPlans } from './coverage-gaps.ts';
import type { Backups, CliDeps, PlanCoverage, PlanSchedule, RunningBackup } from './deps.ts';
import { readFailure } from './failure.ts';
import { formatAge } from './format.ts';
import { jsonLines } from './json-lines.ts';
import type { CommittedPoint, PointLine } from './point-line.ts';
import { terminalText } from './terminal-text.ts';

/** What protects one instance, and how old it is. */
export interface InstanceStatus {
  readonly instanceId: string;
  readonly newest: CommittedPoint | null;
  readonly newestVerified: CommittedPoint | null;
  readonly verifiedAgeSeconds: number | null;
  /** Usable points that nobody has proven. */
  readonly unverified: number;
  readonly running: RunningBackup | null;
}

interface StatusOptions {
  readonly vault?: string;
  readonly json?: true;
}

export function statusCommand(deps: CliDeps): Command {
  return new Command('status')
    .description(
      'per instance: newest point, newest verified point and its age, what runs now, and what is not covered',
    )
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--json', 'one instance or gap per JSON line')
    .action((options: StatusOptions) => runStatus(options, deps));
}

async function runStatus({ vault, json }: StatusOptions, deps: CliDeps): Promise<void> {
  const { stdout, stderr, now } = deps;
  const points = await deps.openPoints(vault);
  try {
    const plans = await deps.readCoverage();
    const temporal = await askTemporal(deps, plans);
    const statuses = await readStatuses(points.list({}), temporal.running, now());
    const gaps = [...gapsOfPlans(plans, temporal.schedules, statuses), ...gapsOfInstances(statuses)];
    const lines = jsonLines(stdout);
    for (const status of statuses) {
      if (json) lines.item(status);
      else stdout.write(`${describeStatus(status, now())}\n`);
    }
    for (const gap of gaps) {
      if (json) lines.item({ gap });
      else stdout.write(`${describeGap(gap)}\n`);
    }
    if (temporal.why !== null) {
      stderr.write(
        `Temporal was not asked, so what runs and which plans ran is unknown: ${terminalText(temporal.why)}\n`,
      );
    }
    if (json) lines.result({ instances: statuses.length, gaps: gaps.length, temporal: temporal.why ?? 'asked' });
    else if (statuses.length === 0) stderr.write('no recovery points and no running backups\n');
  } finally {
    await points.close();
  }
}

interface TemporalSide {
  readonly running: readonly RunningBackup[];
  /** Null: not asked. */
  readonly schedules: readonly PlanSchedule[] | null;
  readonly why: string | null;
}

/** The vault tells what can be restored without it: a server that is down hides no recovery point. */
async function askTemporal({ openBackups }: CliDeps, plans: readonly PlanCoverage[]): Promise<TemporalSide> {
  let backups: Backups | undefined;
  try {
    backups = await openBackups();
    const running = await backups.running();
    return { running, schedules: await backups.schedules(plans.map(({ plan }) => plan)), why: null };
  } catch (error) {
    return { running: [], schedules: null, why: readFailure(error).message };
  } finally {
    await backups?.close();
  }
}

/** Points come newest first, so the first of each kind counts. */
async function readStatuses(
  points: AsyncIterable<PointLine>,
  running: readonly RunningBackup[],
  now: Date,
): Promise<readonly InstanceStatus[]> {
  const newest = new Map<string, CommittedPoint>();
  const verified = new Map<string, CommittedPoint>();
  const unverified = new Map<string, number>();
  for await (const point of points) {
    if (point.state !== 'committed') continue;
    const { instanceId, validation } = point;
    if (!newest.has(instanceId)) newest.set(instanceId, point);
    if (validation === null) unverified.set(instanceId, (unverified.get(instanceId) ?? 0) + 1);
    if (validation?.verdict === 'green' && !verified.has(instanceId)) verified.set(instanceId, point);
  }
  const ids = new Set([...newest.keys(), ...running.map(({ instanceId }) => instanceId)]);
  return [...ids].sort().map((instanceId) => {
    const newestVerified = verified.get(instanceId) ?? null;
    return {
      instanceId,
      newest: newest.get(instanceId) ?? null,
      newestVerified,
      verifiedAgeSeconds: newestVerified && Math.round((now.getTime() - Date.parse(newestVerified.capturedAt)) / 1000),
      unverified: unverified.get(instanceId) ?? 0,
      running: running.find((backup) => backup.instanceId === instanceId) ?? null,
    };
  });
}

function describeStatus({ instanceId, newest, newestVerified, running }: InstanceStatus, now: Date): string {
  const tell = (point: CommittedPoint | null) =>
    point ? `${point.pointId} (${formatAge(point.capturedAt, now)}, ${point.consistency.disks ?? 'no disks'})` : 'none';
  return [
    instanceId,
    `newest ${tell(newest)}`,
    `newest verified ${tell(newestVerified)}`,
    running ? `running: ${running.phase}, since ${formatAge(running.startedAt, now)}` : 'idle',
  ].join('  ');
}

function describeGap({ instanceId, plan, text }: Gap): string {
  const whose = [instanceId, plan === undefined ? undefined : `plan ${plan}`].filter(Boolean).join(', ');
  return `gap  ${whose}: ${terminalText(text)}`;
}
