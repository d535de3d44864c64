import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import type { BackupRequest } from '../contract/backup-request.ts';
import { progressQuery } from '../contract/queries.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { BackupResult } from '../contract/results.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { backupWorkflowId } from '../contract/workflow-ids.ts';
import { backupInstance } from './backup-instance.ts';
import { failure, readableFailure } from './failures.ts';
import { answering } from './proxies.ts';

/** The front door, under any workflow id: checks what was typed, then follows the instance's one backup. */
export async function requestBackup(request: BackupRequest): Promise<BackupResult> {
  let child: { readonly workflowId: string; readonly temporalRunId?: string } | undefined;
  setHandler(progressQuery, () => ({ ...child, phases: [], volumes: [] }), {
    description: 'Which workflow makes the recovery point; ask that one for its phases',
  });
  try {
    const backup = await answering.resolveRequest(request);
    const workflowId = backupWorkflowId(backup.accountId, backup.region, backup.instanceId);
    const handle = await startBackup(workflowId, backup);
    child = { workflowId, temporalRunId: handle.firstExecutionRunId };
    setCurrentDetails(`The backup runs as workflow \`${workflowId}\`.`);
    return await handle.result();
  } catch (error) {
    throw readableFailure(error);
  }
}

async function startBackup(workflowId: string, backup: ResolvedBackup) {
  try {
    return await startChild(backupInstance, {
      workflowId,
      args: [backup],
      staticSummary: `Backup of ${backup.instanceId}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      ...(backup.searchAttributes && { typedSearchAttributes: searchable(backup) }),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const running = await answering.describeRunning({ workflowId });
    const temporalRunId = running?.temporalRunId ?? 'ended meanwhile';
    throw failure(
      'BackupAlreadyRunning',
      `${backup.instanceId} is being backed up by ${workflowId} (run ${temporalRunId}${running ? `, since ${running.startedAt}` : ''}); one instance never has two backups at once. Follow that run, or try again when it has ended`,
      { workflowId, temporalRunId },
    );
  }
}

function searchable({ instanceId, plan }: ResolvedBackup) {
  return [
    { key: SEARCH_ATTRIBUTES.instanceId, value: instanceId },
    ...(plan === undefined ? [] : [{ key: SEARCH_ATTRIBUTES.plan, value: plan }]),
  ];
}
