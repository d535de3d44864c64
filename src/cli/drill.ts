import { Command } from 'commander';
import { DrillRequest, type DrillResult } from '../contract/drill.ts';
import { CommandEnd, writeFailure } from './command-end.ts';
import type { CliDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { readFailure } from './failure.ts';
import { awaitRun } from './follow-run.ts';
import { formatAge, formatBytes, formatSeconds } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';

interface DrillOptions {
  readonly budget?: string;
  readonly instance?: string;
  readonly plan?: string;
  readonly vault?: string;
  readonly isolation?: string;
  readonly json?: true;
}

export function drillCommand(deps: CliDeps): Command {
  return new Command('drill')
    .description('restore, boot and ask the recovery points that were proven longest ago, as many as fit into the time')
    .option('--budget <time>', 'no further point is begun after it, such as 30m (default) or 2h')
    .option('--instance <id>', 'only points of this production instance')
    .option('--plan <name>', 'only points that this plan made')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--isolation <name>', 'isolation profile of temporal.config.ts')
    .option('--json', 'JSON lines on standard output: an item per point, then one result')
    .action((options: DrillOptions) => runDrill(options, deps));
}

async function runDrill(
  { budget, instance, plan, vault, isolation, json }: DrillOptions,
  deps: CliDeps,
): Promise<void> {
  const parsed = DrillRequest.safeParse({
    ...(budget !== undefined && { budget }),
    ...(instance !== undefined && { instanceId: instance }),
    ...(plan !== undefined && { plan }),
    ...(vault !== undefined && { vault }),
    ...(isolation !== undefined && { isolation }),
  });
  if (!parsed.success) throw invalidInput(parsed.error);
  const backups = await deps.openBackups();
  try {
    const run = await backups.startDrill(parsed.data, deps.newRequestId());
    deps.stderr.write(`drill: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`);
    tell(await awaitRun(run, deps), deps, json);
  } catch (error) {
    const failure = readFailure(error);
    if (failure.code !== 'DrillFailed') throw error;
    const result = drillIn(error);
    if (result) tell(result, deps, json);
    writeFailure(deps, 'drill', failure, { json });
    throw new CommandEnd(EXIT.red);
  } finally {
    await backups.close();
  }
}

/** A red drill is a failed workflow, which carries its table all the same. */
function drillIn(error: unknown): DrillResult | undefined {
  if (typeof error !== 'object' || error === null || !('details' in error) || !Array.isArray(error.details))
    return undefined;
  const found: unknown = error.details.find((one) => typeof one === 'object' && one !== null && 'drill' in one);
  return (found as { readonly drill: DrillResult } | undefined)?.drill;
}

function tell({ outcomes, ...result }: DrillResult, { stdout, stderr, now }: CliDeps, json: true | undefined): void {
  if (json) {
    for (const outcome of outcomes) jsonLines(stdout).item(outcome);
    jsonLines(stdout).result({ ...result, points: outcomes.length });
    return;
  }
  for (const { state, pointId, instanceId, provenAt, ms, restoredBytes, message } of outcomes) {
    const before = provenAt === null ? 'never proven before' : `last proven ${formatAge(provenAt, now())} ago`;
    const parts = [state.padEnd(8), pointId, instanceId, before];
    if (ms !== undefined) parts.push(`took ${formatSeconds(ms)}`);
    if (restoredBytes !== undefined) parts.push(`${formatBytes(restoredBytes)} restored`);
    if (message !== undefined) parts.push(terminalText(message));
    stdout.write(`${parts.join('  ')}\n`);
  }
  const proven = outcomes.filter(({ state }) => state === 'green').length;
  stdout.write(
    `${proven} of ${outcomes.length} points proven in ${formatSeconds(result.tookMs)} of ${formatSeconds(result.budgetMs)}\n`,
  );
  if (outcomes.length === 0) stderr.write('there was no point to prove\n');
}
