import type {
  AgentFailure,
  AgentRecord,
  AgentsVerdict,
  BootReport,
  Fact,
  RecipeAnswer,
  RecipeStep,
} from '../contract/evidence.ts';
import { reasonOf } from './reason-of.ts';

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
    const why = whyNot(recipe, record, report);
    if (why === undefined) agents[recipe] = 'application-consistent';
    else failures.push({ recipe, ...why, exitStatus: record?.exitStatus ?? null });
    facts.push({
      name: `${recipe} agent`,
      verdict: why === undefined ? 'clean' : 'dirty',
      found: (why?.reason ?? describe(record)).slice(0, 200),
    });
  }
  if (here.length === 0) {
    const saying = recipes.map((recipe) => `${recipe}${reasonOf(answerOf(report, recipe, 'detect'))}`);
    const names = saying.join(', ') || 'none is configured';
    failures.push({
      recipe: 'any',
      reason: `no application with an agent is in this machine (${names})`,
      exitStatus: null,
    });
  }
  return { agents, failures, facts };
}

type Why = Pick<AgentFailure, 'reason' | 'step'>;

function whyNot(recipe: string, record: AgentRecord | undefined, report: BootReport): Why | undefined {
  if (report.absent !== undefined)
    return { reason: `the machine ended before its results were written: ${report.absent}` };
  if (!report.finished) return { reason: 'the boot script did not finish its report' };
  const of = (step: RecipeStep) => answerOf(report, recipe, step);
  const detect = of('detect');
  if (!detect?.ok) return { reason: `its detect script did not answer${reasonOf(detect)}`, step: 'detect' };
  const recovered = of('recovered');
  if (!recovered?.ok) {
    const reason = `its application did not recover within its limit, so it was not run${reasonOf(recovered)}`;
    return { reason, step: 'recovered' };
  }
  const unusable = report.harvest?.unusable;
  if (!record) return { reason: unusable ?? 'it left no record' };
  return (
    whyNotItself(record, of('agent')) ?? whyNotAfter(of) ?? (unusable === undefined ? undefined : { reason: unusable })
  );
}

/** By what the agent did. */
function whyNotItself({ exitStatus, output }: AgentRecord, answer: RecipeAnswer | undefined): Why | undefined {
  if (exitStatus === 124) return { reason: 'it was ended at its limit (limits.agentMs)' };
  if (!answer?.ok) {
    const { reason, error } = answer?.facts ?? {};
    if (exitStatus === 0 && error !== undefined) return { reason: String(error) };
    // Not the error: its last words are told beside the status.
    return { reason: `exit status ${exitStatus}${reason === undefined ? '' : `: ${String(reason)}`}` };
  }
  if (output === null) return { reason: 'what it wrote could not be listed' };
  if (output.files === 0) return { reason: 'it wrote no file' };
  return undefined;
}

/** By what was asked when it had ended. */
function whyNotAfter(of: (step: RecipeStep) => RecipeAnswer | undefined): Why | undefined {
  const check = of('check');
  if (check && !check.ok) return { reason: `the check of what it wrote failed${reasonOf(check)}`, step: 'check' };
  const after = of('after-agent');
  if (after?.ok) return undefined;
  const reason = `it left its application unusable: that does not answer any more${reasonOf(after)}`;
  return { reason, step: 'after-agent' };
}

/** By an explicit "no"; a detect script that broke says nothing. */
function isAbsent(report: BootReport, recipe: string): boolean {
  const detect = answerOf(report, recipe, 'detect');
  return detect !== undefined && !detect.ok && !detect.broken;
}

function answerOf({ answers }: BootReport, recipe: string, step: RecipeStep): RecipeAnswer | undefined {
  return answers.find((answer) => answer.recipe === recipe && answer.step === step);
}

function describe(record: AgentRecord | undefined): string {
  if (!record?.output) return 'no record';
  const { files, bytes } = record.output;
  const seconds = (Date.parse(record.endedAt) - Date.parse(record.startedAt)) / 1000;
  return `wrote ${files} files, ${bytes} bytes, in ${seconds} s; checked; log of ${record.log.bytes} bytes, SHA-256 ${record.log.sha256.slice(0, 16)}…`;
}
