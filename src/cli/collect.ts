import { Command, Option } from 'commander';
import { CollectionRequest } from '../contract/collection-request.ts';
import type { CollectionResult, ObjectTotal } from '../contract/results.ts';
import type { CliDeps } from './deps.ts';
import { awaitRun } from './follow-run.ts';
import { formatBytes, formatMoment } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { terminalText } from './terminal-text.ts';

interface CollectOptions {
  readonly plan?: true;
  readonly execute?: true;
  readonly json?: true;
}

export function collectCommand(deps: CliDeps): Command {
  return new Command('collect')
    .description('expire points by the retention rules, remove what rested plans name, and plan what can go next')
    .argument('<vault>', 'vault of temporal.config.ts')
    .addOption(new Option('--plan', 'only plan: expires nothing and removes nothing').conflicts('execute'))
    .addOption(new Option('--execute', 'only execute the plans that have rested'))
    .option('--json', 'one JSON line with the result')
    .action((vault: string, options: CollectOptions) => runCollect(vault, options, deps));
}

async function runCollect(vault: string, { plan, execute, json }: CollectOptions, deps: CliDeps): Promise<void> {
  const parsed = CollectionRequest.safeParse({ vault, steps: plan ? 'plan' : execute ? 'execute' : 'all' });
  if (!parsed.success) throw invalidInput(parsed.error);
  const backups = await deps.openBackups();
  try {
    const run = await backups.startCollection(parsed.data, deps.newRequestId());
    deps.stderr.write(`collection of ${vault}: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`);
    const result = await awaitRun(run, deps);
    if (json) jsonLines(deps.stdout).result(result);
    else deps.stdout.write(describeCollection(result));
  } finally {
    await backups.close();
  }
}

function describeCollection({ vault, state, expiry, execution, plan, versions }: CollectionResult): string {
  const lines: string[] = [];
  if (state === 'already-running') lines.push(`${vault} is being collected already`);
  if (expiry) lines.push(`expired   ${expiry.expired} points, ${expiry.kept} kept`);
  if (execution) {
    lines.push(`removed   ${total(execution.removed)} of ${execution.gcIds.length} plans`);
    if (execution.kept.objects > 0) lines.push(`kept      ${total(execution.kept)} that are needed after all`);
  }
  if (plan) {
    lines.push(`plan      ${plan.gcId}, to be executed from ${formatMoment(plan.executeAfter)} on`);
    for (const [why, sum] of Object.entries(plan.deletes)) lines.push(`  delete  ${why.padEnd(12)} ${total(sum)}`);
    if (plan.locked) {
      lines.push(`  locked  ${total(plan.locked)} of these; their bytes stay until ${formatMoment(plan.locked.until)}`);
    }
    for (const [why, sum] of Object.entries(plan.keeps)) lines.push(`  keep    ${why.padEnd(12)} ${total(sum)}`);
    if (plan.fenced > 0) lines.push(`  fenced  ${plan.fenced} runs that had ended without a point`);
    for (const problem of plan.problems) lines.push(`  problem ${terminalText(problem)}`);
  }
  if (versions) {
    const { removed, bytes, young, locked } = versions;
    lines.push(`versions  ${removed} destroyed (${formatBytes(bytes)}), ${young} too young, ${locked} locked`);
  }
  return `${lines.join('\n')}\n`;
}

function total({ objects, bytes }: ObjectTotal): string {
  return `${objects} objects (${formatBytes(bytes)})`;
}
