import { Command, Option } from 'commander';
import type { z } from 'zod';
import { VerificationRequest } from '../contract/backup-request.ts';
import { CheckRequest } from '../contract/check-request.ts';
import { CheckLevel, RunId } from '../contract/names.ts';
import type { CheckResult, VerificationResult } from '../contract/results.ts';
import { guestText } from '../disk/guest-text.ts';
import { ConfigurationError } from '../errors.ts';
import { CommandEnd } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { awaitRun, followRun } from './follow-run.ts';
import { formatBytes, formatSeconds } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { addLatestOption, findPointId } from './latest-point.ts';

interface VerifyOptions {
  readonly level: CheckLevel | 'launch';
  readonly vault?: string;
  readonly machine?: string;
  readonly isolation?: string;
  readonly json?: true;
}

export function verifyCommand(deps: CliDeps): Command {
  const command = new Command('verify')
    .description('restore a recovery point from the vault, boot it isolated and ask its applications; or read it only')
    .argument(
      '[point]',
      'id of the recovery point, or latest; without it the levels that only read look at the whole vault',
    )
    .addOption(
      new Option(
        '--level <level>',
        'launch: restore, boot, ask; the others only read: documents and sizes, some blocks, all',
      )
        .choices([...CheckLevel.options, 'launch'])
        .default('launch'),
    )
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--isolation <name>', 'isolation profile of temporal.config.ts')
    .option('--json', 'JSON lines on standard output: progress, then one result');
  return addLatestOption(command).action(async (named: string | undefined, options: VerifyOptions) => {
    const pointId = named && (await findPointId(named, options, deps));
    if (options.level !== 'launch') return runCheck(pointId, { ...options, level: options.level }, deps);
    if (pointId !== undefined) return runVerify(pointId, options, deps);
    throw new ConfigurationError('InvalidInput', 'name the recovery point to boot, or a --level that only reads');
  });
}

interface CheckOptions extends VerifyOptions {
  readonly level: CheckLevel;
}

/** A red one ends as a failure of the workflow, with VerificationFailed and the exit code of red. */
async function runCheck(pointId: string | undefined, options: CheckOptions, deps: CliDeps): Promise<void> {
  const { level, vault, isolation, json } = options;
  if (isolation !== undefined) throw new ConfigurationError('InvalidInput', `--isolation: ${level} boots nothing`);
  const request = { level, ...(vault && { vault }), ...(pointId !== undefined && { pointIds: [pointId] }) };
  const parsed = CheckRequest.safeParse(request);
  if (!parsed.success) throw invalidInput(parsed.error);
  const backups = await deps.openBackups();
  try {
    const run = await backups.startCheck(parsed.data, deps.newRequestId());
    deps.stderr.write(`check, ${level}: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`);
    const result = await awaitRun(run, deps);
    if (json) jsonLines(deps.stdout).result(result);
    else deps.stdout.write(describeCheck(result));
  } finally {
    await backups.close();
  }
}

function describeCheck({ vault, level, verdict, points, packs, ...read }: CheckResult): string {
  const opened =
    level === 'structure'
      ? `sizes of ${packs} packs`
      : `${read.blocksRead} blocks in ${read.packsRead} of ${packs} packs opened (${formatBytes(read.bytesRead)})`;
  const lines = [`${verdict}  ${vault}, ${level}: ${points} points, ${opened}; ${read.notices} notices`];
  return `${[...lines, ...read.findings.map((finding) => `  ${guestText(finding)}`)].join('\n')}\n`;
}

const Request = VerificationRequest.extend({ pointId: RunId });

async function runVerify(pointId: string, { vault, isolation, json }: VerifyOptions, deps: CliDeps): Promise<void> {
  const parsed = Request.safeParse({ pointId, ...(vault && { vault }), ...(isolation && { isolation }) });
  if (!parsed.success) throw invalidInput(parsed.error satisfies z.ZodError);
  const backups = await deps.openBackups();
  try {
    const run = await backups.startVerification(parsed.data, deps.newRequestId());
    deps.stderr.write(`verification of ${pointId}: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`);
    const result = await followRun(run, `verification of ${pointId}`, deps, { json });
    if (json) jsonLines(deps.stdout).result(result);
    else deps.stdout.write(describeVerification(result));
    if (result.verdict === 'red') throw new CommandEnd(EXIT.red);
  } finally {
    await backups.close();
  }
}

function describeVerification({
  pointId,
  verdict,
  facts,
  failures,
  restoredBytes,
  restoreMs,
}: VerificationResult): string {
  const lines = [
    `${verdict}  ${pointId}: ${formatBytes(restoredBytes)} restored from the vault in ${formatSeconds(restoreMs)}`,
    ...facts.map((fact) => `  ${fact.verdict.padEnd(12)} ${guestText(fact.name)}: ${guestText(fact.found)}`),
    ...failures.map((text) => `  why red      ${guestText(text)}`),
  ];
  return `${lines.join('\n')}\n`;
}
