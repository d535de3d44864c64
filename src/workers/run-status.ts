import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { RunStatus } from '../activities/judge-run.ts';
import type { RunningWorkflow } from '../activities/resolve.ts';

/** Closed for good. Whatever else Temporal calls a status, such as PAUSED, is alive. */
const CLOSED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT']);

/** What the sweeper asks. A run that was reset lives on under another id, so the trail is followed. */
export async function readRunStatus(client: Client, workflowId: string, temporalRunId: string): Promise<RunStatus> {
  try {
    const { status, raw } = await client.workflow.getHandle(workflowId, temporalRunId).describe();
    if (!CLOSED.has(status.name)) return 'running';
    const successor = raw.workflowExtendedInfo?.resetRunId;
    return successor && successor !== temporalRunId ? await readRunStatus(client, workflowId, successor) : 'over';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'unknown';
    throw error;
  }
}

/** Who holds a workflow id now; undefined when nobody does. */
export async function findRunning(client: Client, workflowId: string): Promise<RunningWorkflow | undefined> {
  try {
    const { runId, startTime, status } = await client.workflow.getHandle(workflowId).describe();
    if (CLOSED.has(status.name)) return undefined;
    return { temporalRunId: runId, startedAt: startTime.toISOString() };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
