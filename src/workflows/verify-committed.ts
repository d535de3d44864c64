import { ChildWorkflowCancellationType, executeChild, ParentClosePolicy } from '@temporalio/workflow';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { VerificationResult } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import { verificationWorkflowId } from '../contract/workflow-ids.ts';
import { newRunId } from './identify-run.ts';
import { verifyRecoveryPoint } from './verify-recovery-point.ts';

/** The verification that belongs to a backup: the same workflow that a person can start alone. */
export function verifyCommitted(order: {
  readonly run: Run;
  readonly backup: ResolvedBackup;
}): Promise<VerificationResult> {
  const { run, backup } = order;
  return executeChild(verifyRecoveryPoint, {
    workflowId: verificationWorkflowId(run.runId, newRunId()),
    args: [
      {
        pointId: run.runId,
        vault: backup.vault,
        isolation: backup.isolation.name,
        recipes: backup.recipes.map(({ name }) => name),
      },
    ],
    staticSummary: `Verification of ${run.runId}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
