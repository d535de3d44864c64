import { uuid4, workflowInfo } from '@temporalio/workflow';
import type { Run } from '../contract/run.ts';

/** Clean-up retries for as long as it takes; a day after the run's own limit the sweeper may act without Temporal. */
const GRACE_MS = 24 * 60 * 60_000;

export interface RunFacts {
  readonly runId: string;
  readonly deploymentId: string;
  readonly sourceId: string;
  readonly runMs: number;
  readonly pointId?: string;
}

/** Made once per workflow that makes resources; every resource carries it as tags. */
export function identifyRun({ runId, deploymentId, sourceId, runMs, pointId }: RunFacts): Run {
  const { workflowId, runId: temporalRunId } = workflowInfo();
  return {
    runId,
    deploymentId,
    workflowId,
    temporalRunId,
    sourceId,
    expiresAt: new Date(Date.now() + runMs + GRACE_MS).toISOString(),
    ...(pointId !== undefined && { pointId }),
  };
}

/** `<yyyymmddThhmmssZ>-<8 hex>` from the workflow's own clock and randomness, so a replay makes the same one. */
export function newRunId(): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${uuid4().slice(0, 8)}`;
}
