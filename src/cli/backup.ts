import { Command, InvalidArgumentError, Option } from 'commander';
import { BackupRequest } from '../contract/backup-request.ts';
import { AcceptedRisk, CheckLevel, CONSISTENCY_CLASSES, Method } from '../contract/names.ts';
import type { BackupResult } from '../contract/results.ts';
import { EvidenceError } from '../errors.ts';
import { CommandEnd, writeFailure } from './command-end.ts';
import type { CliDeps, WatchedRun } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { readFailure } from './failure.ts';
import { followRun } from './follow-run.ts';
import { formatBytes, formatMoment } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';

interface BackupOptions {
  readonly method?: string;
  readonly disks: boolean;
  readonly atLeast?: string;
  readonly verify: boolean | CheckLevel | 'launch';
  readonly retainSnapshots?: true;
  readonly accept?: readonly string[];
  readonly vault?: string;
  readonly isolation?: string;
  readonly recipe?: readonly string[];
  readonly requestId?: string;
  readonly detach?: true;
  readonly json?: true;
}

export function backupCommand(deps: CliDeps): Command {
  return new Command('backup')
    .description('make one recovery point of a running instance by way of a clone; the instance itself goes on')
    .argument('<instance>', 'id of the production instance')
    .addOption(new Option('--method <method>', 'how the clone is backed up').choices(Method.options))
    .option('--no-disks', 'with the method application-agent: archive what agents write, and not the disks')
    .addOption(
      new Option(
        '--at-least <class>',
        'fail rather than commit a point below this class (default: clean-shutdown)',
      ).choices(CONSISTENCY_CLASSES.filter((name) => name !== 'application-consistent')),
    )
    .option('--no-verify', 'do not restore and boot the point afterwards')
    .addOption(
      new Option(
        '--verify <level>',
        'launch: restore and boot it (the default); the others only read the vault',
      ).choices([...CheckLevel.options, 'launch']),
    )
    .option('--retain-snapshots', "keep the clone's snapshots and image in the account")
    .addOption(
      new Option('--accept <risk...>', 'what the capture cannot hold, accepted by name').choices(AcceptedRisk.options),
    )
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--isolation <name>', 'isolation profile of temporal.config.ts')
    .option('--recipe <name...>', 'only these recipes')
    .option('--request-id <id>', 'the same id again gives the same run', requestId)
    .option('--detach', 'start it and do not wait')
    .option('--json', 'JSON lines on standard output: progress, then one result')
    .action((instanceId: string, options: BackupOptions) => runBackup(instanceId, options, deps));
}

async function runBackup(instanceId: string, options: BackupOptions, deps: CliDeps): Promise<void> {
  const request = readRequest(instanceId, options);
  const backups = await deps.openBackups();
  try {
    const run = await backups.startBackup(request, options.requestId ?? deps.newRequestId());
    announce(instanceId, run, deps);
    if (options.detach) {
      if (options.json) jsonLines(deps.stdout).result({ workflowId: run.workflowId, detached: true });
      return;
    }
    const result = await followRun(run, `backup of ${instanceId}`, deps, options);
    report(result, deps, options);
  } finally {
    await backups.close();
  }
}

function readRequest(instanceId: string, options: BackupOptions): BackupRequest {
  const parsed = BackupRequest.safeParse({
    instanceId,
    verify: options.verify,
    ...(options.method !== undefined && { method: options.method }),
    ...(!options.disks && { disks: false }),
    ...(options.atLeast !== undefined && { atLeast: options.atLeast }),
    ...(options.retainSnapshots && { retain: { snapshots: true } }),
    ...(options.accept !== undefined && { accept: options.accept }),
    ...(options.vault !== undefined && { vault: options.vault }),
    ...(options.isolation !== undefined && { isolation: options.isolation }),
    ...(options.recipe !== undefined && { recipes: options.recipe }),
  });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

// It becomes part of a workflow id, which people paste into shells and links.
function requestId(value: string): string {
  if (/^[A-Za-z0-9._-]{1,100}$/.test(value)) return value;
  throw new InvalidArgumentError('use 1 to 100 letters, digits, dots, hyphens and underscores.');
}

function announce(instanceId: string, { workflowId, link }: WatchedRun<BackupResult>, { stderr }: CliDeps): void {
  stderr.write(`backup of ${instanceId}: ${workflowId}${link ? `\n  follow it: ${link}` : ''}\n`);
}

function report(result: BackupResult, deps: CliDeps, { json }: BackupOptions): void {
  if (json) jsonLines(deps.stdout).result(result);
  else deps.stdout.write(describeResult(result));
  if (result.verification?.verdict !== 'red') return;
  const why = result.verification.failures.join('\n');
  writeFailure(deps, 'verification', readFailure(new EvidenceError('VerificationFailed', why)));
  throw new CommandEnd(EXIT.red);
}

function describeSize(volumes: BackupResult['volumes']): string {
  const sum = (key: 'bytesRead' | 'bytesStored' | 'bytesReused') =>
    formatBytes(volumes.reduce((total, volume) => total + volume[key], 0));
  return `${sum('bytesRead')} read, ${sum('bytesStored')} new, ${sum('bytesReused')} reused, ${volumes.length} volumes`;
}

/** On which points, and whether the platform's word on changes was taken. */
function describeParents(volumes: BackupResult['volumes']): string {
  const parents = new Set(volumes.flatMap(({ parentId }) => parentId ?? []));
  const reasons = new Set(volumes.flatMap(({ readAll }) => readAll ?? []));
  const audited = volumes.reduce((sum, { blocksAudited }) => sum + blocksAudited, 0);
  const parts = [
    [...parents].join(', ') || 'nothing',
    ...(audited > 0 ? [`${audited} unchanged blocks audited`] : []),
    ...[...reasons].map((reason) => `every block read, because ${terminalText(reason)}`),
  ];
  return parts.join('; ');
}

function describeResult({
  pointId,
  vault,
  pointInTime,
  consistency,
  volumes,
  verification,
  check,
  leftovers,
}: BackupResult): string {
  const lines = [
    `point         ${pointId} in vault ${vault}`,
    `time          ${formatMoment(pointInTime)}`,
    `class         ${consistency.disks ?? 'no disks'}${consistency.lowered.length > 0 ? ` (${consistency.lowered.join('; ')})` : ''}`,
    ...Object.entries(consistency.agents).map(([recipe, found]) => `agent         ${recipe} ${found}`),
    `size          ${describeSize(volumes)}`,
    `built on      ${describeParents(volumes)}`,
    `verification  ${verification?.verdict ?? (check ? `${check.verdict} (${check.level}: read, not booted)` : 'not asked for')}`,
  ];
  for (const { id, reason } of leftovers) lines.push(`left over     ${id}: ${terminalText(reason)}`);
  return `${lines.join('\n')}\n`;
}
