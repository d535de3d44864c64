import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  setCurrentDetails,
} from '@temporalio/workflow';
import { CollectionRequest } from '../contract/collection-request.ts';
import type { CollectionPlanResult, CollectionResult, ObjectTotal } from '../contract/results.ts';
import { collectWorkflowId } from '../contract/workflow-ids.ts';
import { acceptInput } from './accept-input.ts';
import { readableFailure } from './failures.ts';
import { markdownText } from './markdown.ts';
import { mustComeFromParent } from './must-come-from-parent.ts';
import { collecting } from './proxies.ts';

/** Front door, for schedules and people: collects the vault unless that is under way already. */
export async function expireRecoveryPoints(input: CollectionRequest): Promise<CollectionResult> {
  const request = acceptInput(CollectionRequest, input, {
    workflow: 'expireRecoveryPoints',
    example: '{"vault": "main"}',
  });
  const { vault } = request;
  try {
    return await executeChild(collectVault, {
      workflowId: collectWorkflowId(vault),
      args: [request],
      staticSummary: `Collection of vault ${vault}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { vault, state: 'already-running' };
    throw readableFailure(error);
  }
}

/**
 * What one vault no longer needs: points expire by its retention rules, plans that have rested are executed, and what can
 * go next time is planned. Every step may be repeated, and cancelled at any moment.
 */
export async function collectVault(request: CollectionRequest): Promise<CollectionResult> {
  mustComeFromParent('collectVault', 'expireRecoveryPoints');
  const { vault, steps = 'all' } = request;
  const show = (result: CollectionResult) => setCurrentDetails(describe(result));
  let result: CollectionResult = { vault, state: 'done' };
  show(result);
  try {
    if (steps === 'all') {
      result = { ...result, expiry: await collecting.expirePoints({ vault }) };
      show(result);
    }
    if (steps !== 'plan') {
      result = { ...result, execution: await collecting.executeCollections({ vault }) };
      show(result);
    }
    if (steps !== 'execute') {
      result = { ...result, plan: await collecting.planCollection({ vault }) };
      show(result);
    }
    // Last: that its credentials may not, must not keep the other steps from being done.
    const versions = steps === 'plan' ? undefined : await collecting.deleteVersions({ vault });
    if (versions) result = { ...result, versions };
    show(result);
    return result;
  } catch (error) {
    throw readableFailure(error);
  }
}

function describe({ vault, expiry, execution, plan, versions }: CollectionResult): string {
  const rows = [
    `| expire | ${expiry ? `${expiry.expired} points expired, ${expiry.kept} kept` : ''} |`,
    `| execute | ${execution ? `${execution.gcIds.length} plans: ${total(execution.removed)} removed, ${total(execution.kept)} kept after all` : ''} |`,
    `| plan | ${plan ? `${plan.gcId}, from ${plan.executeAfter} on: ${byReason(plan.deletes)}${locked(plan)}; ${plan.fenced} runs fenced` : ''} |`,
    ...(versions
      ? [`| versions | ${versions.removed} destroyed, ${versions.young} too young, ${versions.locked} locked |`]
      : []),
    ...(plan?.problems ?? []).map((problem) => `| problem | ${markdownText(problem)} |`),
  ];
  return [`### Collection of ${markdownText(vault)}`, '', '| phase | |', '|---|---|', ...rows].join('\n');
}

function byReason(totals: Readonly<Record<string, ObjectTotal>>): string {
  const parts = Object.entries(totals).map(([why, sum]) => `${total(sum)} ${why}`);
  return parts.length > 0 ? parts.join(', ') : 'nothing to remove';
}

function locked({ locked: kept }: CollectionPlanResult): string {
  return kept ? ` (${total(kept)} locked, the last until ${kept.until})` : '';
}

function total({ objects, bytes }: ObjectTotal): string {
  return `${objects} objects (${(bytes / 1e6).toFixed(1)} MB)`;
}
