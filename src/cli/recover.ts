import { join } from 'node:path';
import { Command } from 'commander';
import { ConfigurationError, VaultError } from '../errors.ts';
import type { RecoveredPoint, RecoveredVolume, Vault } from '../vault/index.ts';
import { CommandEnd, writeFailure } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { readFailure } from './failure.ts';
import { formatBytes } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { ALL_POINTS, tellPoints } from './tell-points.ts';
import { terminalText } from './terminal-text.ts';
import { transferSink } from './transfer-progress.ts';
import { tellUnreadable } from './unreadable-point.ts';
import { addKeyOptions, type KeyOptions, openVaultAt } from './vault-access.ts';

export interface ImageOptions {
  readonly machine?: string;
  readonly volume?: readonly string[];
  readonly evidence?: true;
  readonly keepGoing?: true;
  readonly json?: true;
}

interface RecoverOptions extends KeyOptions, ImageOptions {
  readonly to?: string;
  readonly list?: true;
  readonly all?: true;
}

export function recoverCommand(deps: CliDeps): Command {
  const command = new Command('recover')
    .description('rebuild raw disk images from a vault and its key alone: no Temporal, no EC2, no configuration')
    .argument('<vault-url>', 's3://bucket/prefix or file:///folder')
    .argument('[point]', 'id of the recovery point, or latest; without it the points are listed')
    .option('--to <folder>', 'where the images go, one <volume>.raw each')
    .option('--list', 'list the points, newest first')
    .option(...ALL_POINTS)
    .option('--machine <id>', 'only points of this machine')
    .option('--volume <id...>', 'only these volumes')
    .option('--evidence', 'consoles, probe answers and screenshots too')
    .option('--keep-going', 'where objects are damaged or missing recover the rest, and list what is missing')
    .option('--json', 'JSON lines on standard output: progress and items, then one result');
  return addKeyOptions(command).action((url: string, pointId: string | undefined, options: RecoverOptions) =>
    runRecover({ url, pointId }, options, deps),
  );
}

interface Asked {
  readonly url: string;
  readonly pointId: string | undefined;
}

async function runRecover({ url, pointId }: Asked, options: RecoverOptions, deps: CliDeps): Promise<void> {
  const { signal } = deps;
  if (options.list || pointId === undefined) return listPointsOf(url, options, deps);
  if (options.to === undefined)
    throw new ConfigurationError('InvalidInput', 'name the folder for the images with --to <folder>');
  const vault = await openVaultAt({ url, keys: options, roles: ['data', 'meta'], signal });
  try {
    await recoverImages({ vault, pointId, folder: options.to }, options, deps);
  } finally {
    await vault.close();
  }
}

interface ImageOrder {
  readonly vault: Vault;
  readonly pointId: string;
  readonly folder: string;
}

/** Writes the images and tells of each. */
export async function recoverImages(
  { vault, pointId, folder }: ImageOrder,
  options: ImageOptions,
  deps: CliDeps,
): Promise<RecoveredPoint> {
  const { signal } = deps;
  const { recoverPoint } = await import('../vault/index.ts');
  const sink = await transferSink(deps, options);
  try {
    const recovered = await recoverPoint({
      vault,
      pointId,
      folder,
      machineId: options.machine,
      volumeIds: options.volume,
      evidence: options.evidence,
      keepGoing: options.keepGoing,
      onUnreadable: tellUnreadable(deps),
      signal,
      onProgress: (progress) => sink.show(progress),
      onVolume: (volume) => {
        sink.end();
        tellVolume(volume, deps, options);
      },
    });
    report(recovered, deps, { ...options, to: folder });
    return recovered;
  } finally {
    if (signal.aborted) deps.stderr.write('what is written stays as .partial; the same command goes on with it\n');
  }
}

function tellVolume(volume: RecoveredVolume, { stdout }: CliDeps, { json }: ImageOptions): void {
  const { volumeId, path, volumeBytes, bytesWritten, bytesKept, missing } = volume;
  if (json) {
    jsonLines(stdout).item({ ...volume, missing: missing.length });
    return;
  }
  const parts = [`${formatBytes(bytesWritten)} written`];
  if (bytesKept > 0) parts.push(`${formatBytes(bytesKept)} already there`);
  const verdict = missing.length === 0 ? 'proven' : 'INCOMPLETE';
  stdout.write(`${verdict}  ${path}  ${volumeId}, ${formatBytes(volumeBytes)} (${parts.join(', ')})\n`);
}

function report(
  { manifest, volumes, evidence, missing }: RecoveredPoint,
  deps: CliDeps,
  { json, to }: ImageOptions & { readonly to: string },
): void {
  const { stdout, stderr } = deps;
  const { pointId, machine } = manifest;
  for (const { path } of json ? [] : evidence) stdout.write(`evidence  ${path}\n`);
  if (missing.length > 0) {
    for (const { object, reason } of missing.slice(0, MOST_SHOWN))
      stderr.write(`missing  ${object}: ${terminalText(reason)}\n`);
    const message = `${pointId}: ${missing.length} stretches of blocks or pieces of evidence are missing; ${join(to, 'missing.json')} lists them, everything else is recovered`;
    const context = { pointId, missing: missing.length };
    writeFailure(deps, 'recovery', readFailure(new VaultError('RecoveryIncomplete', message, { context })), { json });
    throw new CommandEnd(EXIT.failed);
  }
  if (json) jsonLines(stdout).result({ pointId, folder: to, volumes: volumes.length, evidence: evidence.length });
  else stdout.write(`recovered  ${pointId} of ${terminalText(machine.machineId)} into ${to}\n`);
}

// The rest stands in missing.json.
const MOST_SHOWN = 20;

/** Without a point: what there is, newest first, with the meta root only. */
async function listPointsOf(url: string, options: RecoverOptions, deps: CliDeps): Promise<void> {
  const { stderr, signal } = deps;
  const { pointLines } = await import('./vault-points.ts');
  const vault = await openVaultAt({ url, keys: options, roles: ['meta'], signal });
  try {
    const told = await tellPoints(pointLines(vault, { vault: url, machineId: options.machine }, signal), options, deps);
    if (told > 0 && !options.json)
      stderr.write('recover one with: understudy recover <vault-url> <point> --to <folder>\n');
  } finally {
    await vault.close();
  }
}
