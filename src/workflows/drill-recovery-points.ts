import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  patched,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { DrillCandidate, DrillOutcome, DrillRequest, DrillResult, ResolvedDrill } from '../contract/drill.ts';
import { verificationWorkflowId } from '../contract/workflow-ids.ts';
import { failure, messageOf, readableFailure, wasCancelled } from './failures.ts';
import { newRunId } from './identify-run.ts';
import { markdownText } from './markdown.ts';
import { answering, control } from './proxies.ts';
import { verifyRecoveryPoint } from './verify-recovery-point.ts';

/** Proves the points that were proven longest ago, one after another, as many as fit into the time. Red is loud. */
export async function drillRecoveryPoints(request: DrillRequest): Promise<DrillResult> {
  try {
    const drill = await answering.resolveDrill(request);
    const candidates = await control.pickDrill(drill);
    const startedMs = Date.now();
    const outcomes = await proveAll(drill, candidates, startedMs + drill.budgetMs);
    const { vault, budgetMs } = drill;
    const result = { vault, budgetMs, tookMs: Date.now() - startedMs, outcomes };
    const bad = outcomes.filter(({ state }) => state === 'red' || state === 'failed');
    if (bad.length === 0) return result;
    throw failure(
      'DrillFailed',
      `${bad.length} of ${outcomes.length} recovery points did not prove themselves: ${bad.map(({ pointId, state, message }) => `${pointId} (${state}: ${message ?? 'no reason given'})`).join(', ')}`,
      { vault, red: bad.length },
      { drill: result },
    );
  } catch (error) {
    throw readableFailure(error);
  }
}

async function proveAll(
  drill: ResolvedDrill,
  candidates: readonly DrillCandidate[],
  endsAtMs: number,
): Promise<readonly DrillOutcome[]> {
  const outcomes: DrillOutcome[] = [];
  for (const candidate of candidates) {
    const left = endsAtMs - Date.now();
    // One that was never measured may take any time; what has begun is never broken off.
    const fits = left > 0 && (candidate.expectedMs ?? 0) <= left;
    outcomes.push(fits ? await prove(drill, candidate) : { ...candidate, state: 'no-time' });
    setCurrentDetails(describe(outcomes, candidates.length));
  }
  return outcomes;
}

/** Drills that began before this change do not look again, as their histories say. */
const LOOKS_AGAIN = 'drill-passes-over-what-expired';

async function prove({ vault, isolation }: ResolvedDrill, candidate: DrillCandidate): Promise<DrillOutcome> {
  const { pointId } = candidate;
  const startedMs = Date.now();
  try {
    const looksAgain = patched(LOOKS_AGAIN);
    if (looksAgain && (await control.hasExpired({ vault, pointId }))) return { ...candidate, state: 'expired' };
    const { restoredBytes } = await executeChild(verifyRecoveryPoint, {
      workflowId: verificationWorkflowId(pointId, newRunId()),
      args: [{ pointId, vault, isolation }],
      staticSummary: `Drill of ${pointId}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    return { ...candidate, state: 'green', ms: Date.now() - startedMs, restoredBytes };
  } catch (error) {
    if (wasCancelled(error)) throw error;
    const { code, message } = messageOf(error);
    const state = code === 'VerificationFailed' ? 'red' : 'failed';
    return { ...candidate, state, ms: Date.now() - startedMs, message: message.slice(0, 500) };
  }
}

function describe(outcomes: readonly DrillOutcome[], all: number): string {
  const rows = outcomes.map(
    ({ pointId, instanceId, state, ms, message }) =>
      `| ${markdownText(pointId)} | ${markdownText(instanceId)} | ${state} | ${ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`} | ${markdownText(message ?? '')} |`,
  );
  return [
    `### Drill: ${outcomes.length} of ${all}`,
    '',
    '| point | instance | state | took | |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
