import type {
  AgentFailure,
  AgentRecord,
  AgentsVerdict,
  BootReport,
  Fact,
  RecipeAnswer,
  RecipeStep,
} from '../contract/evidence.ts';

/**
 * What may be said of the agents' output: `application-consistent` where the agent succeeded, the recipe's own check of what
 * it wrote succeeded, and its application answers as before. Anything else is a failure with its reason.
 * `recipes`: those with an agent, in the order in which they were to run.
 */
export function judgeAgents(recipes: readonly string[], report: BootReport): AgentsVerdict {
  const here = report.finished ? recipes.filter((recipe) => !isAbsent(report, recipe)) : recipes;
  const agents: Record<string, 'application-consistent'> = {};
  const failures: AgentFailure[] = [];
  const facts: Fact[] = [];
  for (const recipe of here) {
    const record = report.harvest?.records.find((one) => one.recipe === recipe);
    const reason = whyNot(recipe, record, report);
    if (reason === undefined && record) agents[recipe] = 'application-consistent';
    else failures.push({ recipe, reason: reason ?? 'nothing is known of it', exitStatus: record?.exitStatus ?? null });
    facts.push({
      name: `${recipe} agent`,
      verdict: reason === undefined ? 'clean' : 'dirty',
      found: (reason ?? describe(record)).slice(0, 200),
    });
  }
  if (here.length === 0) {
    const names = recipes.join(', ') || 'none is configured';
    failures.push({
      recipe: 'any',
      reason: `no application with an agent is in this machine (${names})`,
      exitStatus: null,
    });
  }
  return { agents, failures, facts };
}

function whyNot(recipe: string, record: AgentRecord | undefined, report: BootReport): string | undefined {
  if (report.absent !== undefined) return `the machine ended before its results were written: ${report.absent}`;
  if (!report.finished) return 'the boot script did not finish its report';
  const detect = answerOf(report, recipe, 'detect');
  if (!detect?.ok) return `its detect script did not answer: ${detect?.facts.error ?? 'it left nothing'}`;
  if (!answered(report, recipe, 'recovered'))
    return 'its application did not recover within its limit, so it was not run';
  if (report.harvest?.unusable !== undefined && !record) return report.harvest.unusable;
  if (!record) return 'it left no record';
  if (record.exitStatus === 124) return 'it was ended at its limit (limits.agentMs)';
  if (!answered(report, recipe, 'agent')) return saidNo(report, recipe, 'agent', `exit status ${record.exitStatus}`);
  if (record.output === null) return 'what it wrote could not be listed';
  if (record.output.files === 0) return 'it wrote no file';
  const check = answerOf(report, recipe, 'check');
  if (check && !check.ok) return saidNo(report, recipe, 'check', 'the check of what it wrote failed');
  if (!answered(report, recipe, 'after-agent'))
    return 'it left its application unusable: that does not answer any more';
  return report.harvest?.unusable;
}

/** By an explicit "no"; a detect script that broke says nothing. */
function isAbsent(report: BootReport, recipe: string): boolean {
  const detect = answerOf(report, recipe, 'detect');
  return detect !== undefined && !detect.ok && !detect.broken;
}

function answered(report: BootReport, recipe: string, step: RecipeStep): boolean {
  return answerOf(report, recipe, step)?.ok === true;
}

function answerOf({ answers }: BootReport, recipe: string, step: RecipeStep): RecipeAnswer | undefined {
  return answers.find((answer) => answer.recipe === recipe && answer.step === step);
}

/** With the script's own reason, where it gave one. */
function saidNo(report: BootReport, recipe: string, step: RecipeStep, what: string): string {
  const own = answerOf(report, recipe, step)?.facts.reason;
  return own === undefined ? what : `${what}: ${String(own)}`;
}

function describe(record: AgentRecord | undefined): string {
  if (!record?.output) return 'no record';
  const { files, bytes } = record.output;
  const seconds = (Date.parse(record.endedAt) - Date.parse(record.startedAt)) / 1000;
  return `wrote ${files} files, ${bytes} bytes, in ${seconds} s; checked; log of ${record.log.bytes} bytes, SHA-256 ${record.log.sha256.slice(0, 16)}…`;
}
