import { Command, Option } from 'commander';
import { RestoreRequest } from '../contract/restore-request.ts';
import type { RestoreResult } from '../contract/results.ts';
import { ConfigurationError } from '../errors.ts';
import type { CliDeps, RestoreKind } from './deps.ts';
import { followRun } from './follow-run.ts';
import { formatBytes, formatSeconds } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { addLatestOption, findPointId } from './latest-point.ts';
import { tellForecast } from './restore-forecast.ts';
import { restoreImages } from './restore-images.ts';
import { restoreTableCommand } from './restore-table.ts';
import { terminalText } from './terminal-text.ts';

export interface RestoreOptions {
  readonly to: RestoreKind;
  readonly folder?: string;
  readonly volume?: readonly string[];
  readonly plan?: true;
  readonly vault?: string;
  readonly machine?: string;
  readonly isolation?: string;
  readonly into?: string;
  readonly detach?: true;
  readonly json?: true;
}

export function restoreCommand(deps: CliDeps): Command {
  const command = new Command('restore')
    .description(
      'give a recovery point back: as a new machine, as new volumes or as raw images; nothing is overwritten',
    )
    .argument('<point>', 'id of the recovery point, or latest')
    .addOption(
      new Option('--to <what>', 'what to make of it').choices(['instance', 'volumes', 'images']).default('instance'),
    )
    .option('--into <name>', 'profile of restores in temporal.config.ts: another network, zone or key')
    .option('--isolation <name>', 'isolation profile whose network the machine goes into (default)')
    .option('--volume <id...>', 'only these volumes; not for a machine')
    .option('--folder <folder>', 'where images go')
    .option('--plan', 'only tell how long it will take, judged by earlier ones')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--detach', 'start it and do not wait')
    .option('--json', 'JSON lines on standard output: progress, then one result')
    .addCommand(restoreTableCommand(deps));
  return addLatestOption(command).action((named: string, options: RestoreOptions) => runRestore(named, options, deps));
}

async function runRestore(named: string, options: RestoreOptions, deps: CliDeps): Promise<void> {
  const pointId = await findPointId(named, options, deps);
  if (options.plan) return tellForecast(pointId, options, deps);
  if (options.to === 'images') return restoreImages(pointId, options, deps);
  if (options.folder !== undefined) {
    throw new ConfigurationError(
      'InvalidInput',
      '--folder is for --to images; machines and volumes are made in the cloud',
    );
  }
  const request = readRequest(pointId, options);
  const backups = await deps.openBackups();
  try {
    const run = await backups.startRestore(request, deps.newRequestId());
    deps.stderr.write(`restore of ${pointId}: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`);
    if (options.detach) {
      if (options.json) jsonLines(deps.stdout).result({ workflowId: run.workflowId, detached: true });
      return;
    }
    const result = await followRun(run, `restore of ${pointId}`, deps, options);
    if (options.json) jsonLines(deps.stdout).result(result);
    else deps.stdout.write(describeRestore(result));
  } finally {
    await backups.close();
  }
}

function readRequest(pointId: string, { to, into, isolation, vault, volume }: RestoreOptions): RestoreRequest {
  const parsed = RestoreRequest.safeParse({
    pointId,
    to,
    ...(into !== undefined && { into }),
    ...(isolation !== undefined && { isolation }),
    ...(vault !== undefined && { vault }),
    ...(volume !== undefined && { volumeIds: volume }),
  });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

function describeRestore({ pointId, machine, volumes, into, isolation, ...rest }: RestoreResult): string {
  const lines = [
    `restored      ${pointId}: ${formatBytes(rest.restoredBytes)} from the vault in ${formatSeconds(rest.restoreMs)}`,
  ];
  if (machine) {
    const { machineId, instanceType, zone, subnetId, privateAddress } = machine;
    lines.push(
      `machine       ${machineId} (${instanceType}, ${zone}), ${privateAddress ?? 'no address'} in ${subnetId}`,
    );
    for (const [source, volumeId] of Object.entries(machine.volumes))
      lines.push(`volume        ${volumeId} as ${source} was`);
    lines.push(
      isolation.length > 0
        ? `network       ${into}: isolated, proven by ${isolation.length} lines`
        : `network       ${into}: as the profile says; nothing is proven of it`,
    );
  }
  for (const { volumeId, sourceVolumeId, zone, type } of volumes)
    lines.push(`volume        ${volumeId} (${type}, ${zone}) as ${sourceVolumeId} was`);
  for (const { id, reason } of rest.leftovers) lines.push(`left over     ${id}: ${terminalText(reason)}`);
  lines.push('it stays until you remove it; the sweeper never does');
  return `${lines.join('\n')}\n`;
}
