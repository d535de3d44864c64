/** One instance never has two backups at once, because this id is all there is for it. */
export function backupWorkflowId(account: string, region: string, instanceId: string): string {
  return `instance-backup/${account}/${region}/${instanceId}`;
}

/** Callers that repeat a request with the same id get the same run. */
export function requestWorkflowId(requestId: string): string {
  return `backup-request/${requestId}`;
}

export function verificationWorkflowId(pointId: string, runId: string): string {
  return `verify/${pointId}/${runId}`;
}

export function restoreWorkflowId(pointId: string, requestId: string): string {
  return `restore/${pointId}/${requestId}`;
}

export function archiveVolumeWorkflowId(runId: string, volumeId: string): string {
  return `archive/${runId}/${volumeId}`;
}

export function planScheduleId(plan: string): string {
  return `understudy-plan/${plan}`;
}

/** One vault is never collected twice at once: not for safety, which the protocol gives, but because it is of no use. */
export function collectWorkflowId(vault: string): string {
  return `collect/${vault}`;
}

export function collectScheduleId(vault: string): string {
  return `understudy-collect/${vault}`;
}

export const SWEEP_SCHEDULE_ID = 'understudy-sweep';

/** The runId that a verification's own workflow id names; undefined under any other id. */
export function verificationRunId(workflowId: string): string | undefined {
  return /^verify\/[^/]+\/(\d{8}T\d{6}Z-[0-9a-f]{8})$/.exec(workflowId)?.[1];
}
