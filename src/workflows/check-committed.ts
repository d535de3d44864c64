import { ChildWorkflowCancellationType, executeChild, ParentClosePolicy } from '@temporalio/workflow';
import type { CheckLevel } from '../contract/names.ts';
import type { CheckResult } from '../contract/results.ts';
import { checkWorkflowId } from '../contract/workflow-ids.ts';
import { checkVault } from './check-vault.ts';

/** The look at a new point that a backup asked for instead of a launch. */
export function checkCommitted(order: {
  readonly vault: string;
  readonly level: CheckLevel;
  readonly pointId: string;
}): Promise<CheckResult> {
  const { vault, level, pointId } = order;
  return executeChild(checkVault, {
    workflowId: checkWorkflowId(order),
    args: [{ vault, level, pointIds: [pointId] }],
    staticSummary: `Check of ${pointId}: ${level}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
