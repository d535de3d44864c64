import type { RunResource, RunResources } from '../platforms/platform.ts';

/** `over`: closed. A paused execution is alive. */
export type RunStatus = 'running' | 'over' | 'unknown';

/** Run ids whose capture is that of the newest point which may be a parent, one per source. */
export interface CaptureKeeper {
  keeps(runId: string): boolean;
}

export interface Judgement {
  readonly status: RunStatus;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Undefined while a vault cannot be read: then no capture is touched. */
  readonly keeper: CaptureKeeper | undefined;
}

export type RunDecision =
  | { readonly action: 'keep'; readonly reason: string }
  | { readonly action: 'remove'; readonly keepCapture: boolean; readonly reason: string };

/** What the sweeper may do about one run's resources; when in doubt, nothing. */
export function judgeRun({ run, resources }: RunResources, { status, now, keeper }: Judgement): RunDecision {
  if (status === 'running') return { action: 'keep', reason: 'its workflow is running' };
  if (status === 'unknown' && now < Date.parse(run.expiresAt)) {
    return { action: 'keep', reason: `Temporal does not know its workflow; left alone until ${run.expiresAt}` };
  }
  const removable = resources.filter((resource) => !resource.retained && !isForPeople(resource));
  if (removable.length === 0) {
    const reason = resources.some(isForPeople)
      ? 'all that is left of it are restored machines or volumes'
      : 'everything of it is retained';
    return { action: 'keep', reason };
  }
  const hasCapture = removable.some(({ role }) => role === 'capture');
  const why =
    status === 'over'
      ? 'its workflow is over'
      : `Temporal does not know its workflow and it expired at ${run.expiresAt}`;
  const onlyCapture = removable.every(({ role }) => role === 'capture');
  if (!hasCapture) return { action: 'remove', keepCapture: false, reason: why };
  if (keeper === undefined) {
    return onlyCapture
      ? { action: 'keep', reason: 'a vault cannot be read, so no capture is touched' }
      : { action: 'remove', keepCapture: true, reason: `${why}; its capture stays because a vault cannot be read` };
  }
  if (!keeper.keeps(run.runId)) return { action: 'remove', keepCapture: false, reason: why };
  return onlyCapture
    ? { action: 'keep', reason: "its capture is the base of the next backup's increment" }
    : { action: 'remove', keepCapture: true, reason: `${why}; its capture stays for the next increment` };
}

/** Restored machines and volumes; the snapshots and the image they were made of have done their work. */
function isForPeople({ kind, role }: RunResource): boolean {
  return role === 'restored' && (kind === 'instance' || kind === 'volume');
}
