import type { CheckLevel } from './names.ts';

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

export function tableWorkflowId(pointId: string, requestId: string): string {
  return `restore-table/${pointId}/${requestId}`;
}

export function filesWorkflowId(pointId: string, requestId: string): string {
  return `restore-files/${pointId}/${requestId}`;
}

export function archiveVolumeWorkflowId(runId: string, volumeId: string): string {
  return `archive/${runId}/${volumeId}`;
}

/** Of a plan's points. */
export function drillScheduleId(plan: string): string {
  return `understudy-drill/${plan}`;
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

/** What a check is about: a vault at a level, or one point of it. */
export function checkWorkflowId({ vault, level, pointId }: CheckedPlace): string {
  return pointId === undefined ? `check/${vault}/${level}` : `check/${vault}/${level}/${pointId}`;
}

interface CheckedPlace {
  readonly vault: string;
  readonly level: CheckLevel;
  readonly pointId?: string;
}

export const CHECK_SCHEDULES = 'understudy-check/';

export function checkScheduleId(vault: string, level: CheckLevel): string {
  return `${CHECK_SCHEDULES}${vault}/${level}`;
}

export const SWEEP_SCHEDULE_ID = 'understudy-sweep';

/** The runId that a verification's own workflow id names; undefined under any other id. */
export function verificationRunId(workflowId: string): string | undefined {
  return /^verify\/[^/]+\/(\d{8}T\d{6}Z-[0-9a-f]{8})$/.exec(workflowId)?.[1];
}
