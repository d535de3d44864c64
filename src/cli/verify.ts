import { Command } from 'commander';
import type { z } from 'zod';
import { VerificationRequest } from '../contract/backup-request.ts';
import { RunId } from '../contract/names.ts';
import type { VerificationResult } from '../contract/results.ts';
import { guestText } from '../disk/guest-text.ts';
import { CommandEnd } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { followRun } from './follow-run.ts';
import { formatBytes, formatSeconds } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';

interface VerifyOptions {
  readonly vault?: string;
  readonly isolation?: string;
  readonly json?: true;
}

export function verifyCommand(deps: CliDeps): Command {
  return new Command('verify')
    .description('restore a recovery point from the vault, boot it isolated and ask its applications')
    .argument('<point>', 'id of the recovery point')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--isolation <name>', 'isolation profile of temporal.config.ts')
    .option('--json', 'JSON lines on standard output: progress, then one result')
    .action((pointId: string, options: VerifyOptions) => runVerify(pointId, options, deps));
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
