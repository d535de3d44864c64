import type { ResolvedPlan } from '../contract/resolved-backup.ts';
import type { Failed, PlanOutcome } from '../contract/results.ts';
import { markdownText } from './markdown.ts';

/** Of failed instances, so many are named in a sentence; all of them stand in the failure's details. */
const NAMED = 20;

/** Rows of the live table. It is written anew after each instance, and all of that again within the 5 s of a replay. */
const SHOWN_ROWS = 100;

/** Of each reason: a plan of 5,000 instances that all fail has to stay below the 2 MiB that Temporal takes as a payload. */
const REASON_CHARACTERS = 200;

/** The whole message is in the failure of the instance's own run. */
export function outcomeOfFailed(instanceId: string, { code, message }: Failed): PlanOutcome {
  const state = code === 'BackupAlreadyRunning' ? 'already-running' : 'failed';
  return { instanceId, state, code, message: message.slice(0, REASON_CHARACTERS) };
}

/** `i-… (code), i-… (code), and 3 more`. */
export function nameFailed(failed: readonly PlanOutcome[]): string {
  const names = failed.slice(0, NAMED).map(({ instanceId, code }) => `${instanceId} (${code})`);
  const more = failed.length - names.length;
  return names.join(', ') + (more > 0 ? `, and ${more} more` : '');
}

/** Markdown for the Temporal UI: how far the plan is, what failed, then the latest of the others. */
export function tabulateOutcomes({ plan, instanceIds }: ResolvedPlan, outcomes: readonly PlanOutcome[]): string {
  const latestFirst = outcomes.toReversed();
  const failed = latestFirst.filter(({ state }) => state === 'failed');
  const others = latestFirst.filter(({ state }) => state !== 'failed');
  const rows = [...failed, ...others].slice(0, SHOWN_ROWS).map(tableRow);
  const left = outcomes.length - rows.length;
  return [
    `### Plan ${plan}: ${outcomes.length} of ${instanceIds.length}`,
    '',
    '| instance | state | |',
    '|---|---|---|',
    ...rows,
    ...(left > 0 ? ['', `and ${left} more`] : []),
  ].join('\n');
}

function tableRow({ instanceId, state, pointId, message }: PlanOutcome): string {
  return `| ${instanceId} | ${state} | ${markdownText(pointId ?? message ?? '')} |`;
}
