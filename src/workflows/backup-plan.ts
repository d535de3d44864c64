import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlanRequest } from '../contract/backup-request.ts';
import type { ResolvedPlan } from '../contract/resolved-backup.ts';
import type { PlanOutcome, PlanResult } from '../contract/results.ts';
import { failure, messageOf, readableFailure, wasCancelled } from './failures.ts';
import { nameFailed, outcomeOfFailed, tabulateOutcomes } from './plan-outcomes.ts';
import { answering } from './proxies.ts';
import { requestBackup } from './request-backup.ts';

/** Backs up the instances that a plan selects, some at a time. One that fails does not keep the others from theirs. */
export async function backupPlan(request: PlanRequest): Promise<PlanResult> {
  try {
    const plan = await answering.resolvePlan(request);
    const outcomes = await backUpAll(plan);
    const failed = outcomes.filter(({ state }) => state === 'failed');
    if (failed.length === 0) return { plan: plan.plan, outcomes };
    throw failure(
      'PlanIncomplete',
      `${failed.length} of ${outcomes.length} instances of plan ${plan.plan} have no new recovery point: ${nameFailed(failed)}`,
      { plan: plan.plan, failed: failed.length },
      { outcomes },
    );
  } catch (error) {
    throw readableFailure(error);
  }
}

async function backUpAll(plan: ResolvedPlan): Promise<readonly PlanOutcome[]> {
  const waiting = [...plan.instanceIds];
  const outcomes: PlanOutcome[] = [];
  const work = async () => {
    for (let instanceId = waiting.shift(); instanceId !== undefined; instanceId = waiting.shift()) {
      outcomes.push(await backUpOne(plan, instanceId));
      setCurrentDetails(tabulateOutcomes(plan, outcomes));
    }
  };
  await Promise.all(Array.from({ length: plan.atATime }, work));
  return outcomes;
}

async function backUpOne({ plan, request }: ResolvedPlan, instanceId: string): Promise<PlanOutcome> {
  const workflowId = `${workflowInfo().workflowId}/${instanceId}`;
  try {
    const { pointId } = await executeChild(requestBackup, {
      workflowId,
      args: [{ ...request, instanceId, plan }],
      staticSummary: `Backup of ${instanceId} (${plan})`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    return { instanceId, state: 'done', pointId };
  } catch (error) {
    if (wasCancelled(error)) throw error;
    // Left by a run of this plan that somebody terminated: it was told to stop, so it makes no point either.
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      const message = `${workflowId} of an earlier run of the plan is still being cancelled; run the plan again when it has ended`;
      return { instanceId, state: 'failed', code: 'BackupAlreadyRunning', message };
    }
    return outcomeOfFailed(instanceId, messageOf(error));
  }
}
