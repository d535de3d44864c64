import type { RunId } from './names.ts';

/** Identity of one run that makes resources; every resource carries it as tags. No secrets: it stands in histories. */
export interface Run {
  readonly runId: RunId;
  /** UUID of this configuration's deployment: two deployments in one account never touch each other's resources. */
  readonly deploymentId: string;
  readonly workflowId: string;
  /** Temporal's run id. */
  readonly temporalRunId: string;
  /** The production instance; a mutating call for it does not exist. */
  readonly sourceId: string;
  /** ISO 8601; after it the sweeper may act even when Temporal has forgotten the run. */
  readonly expiresAt: string;
  /** The recovery point, where a verification or restore works on one. */
  readonly pointId?: string;
}
