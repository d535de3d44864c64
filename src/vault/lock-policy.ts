import type { Clock } from './clock.ts';
import type { CreateOptions, LockMode, ObjectRetention } from './object-store.ts';
import { runTime } from './run-time.ts';

/** How a vault's recovery points are locked; part of the configuration, not of the vault. */
export interface LockPolicy {
  readonly mode: LockMode;
  /** Counted from the beginning of the run. */
  readonly days: number;
}

const DAY_MS = 86_400_000;
/**
 * Objects are locked this much longer than their point needs, so that the points that reuse them need not extend them at
 * every run. A month, as one extension per pack and month costs less than a hundredth of the pack; never more than the
 * lock itself, as nobody expects a lock of one day to hold for a month.
 */
const MAX_SLACK_DAYS = 30;

interface LockedVault {
  readonly lock?: LockPolicy;
}

/** What the run's point promises: everything it needs is locked at least until then. Undefined without a policy. */
export function pointRetention({ lock }: LockedVault, runId: string): ObjectRetention | undefined {
  return lock && { mode: lock.mode, until: new Date(runTime(runId) + lock.days * DAY_MS) };
}

/** What the run's objects are locked with: the point's retention and the slack. The same for every attempt of the run. */
export function objectRetention({ lock }: LockedVault, runId: string): ObjectRetention | undefined {
  return lock && retentionFrom(lock, runTime(runId));
}

/** The lock of an object that is made at a time (Unix milliseconds). */
export function retentionFrom({ mode, days }: LockPolicy, at: number): ObjectRetention {
  return { mode, until: new Date(at + (days + Math.min(days, MAX_SLACK_DAYS)) * DAY_MS) };
}

/** For `create` of what belongs to no run, such as keys. */
export function lockedNow({ lock, clock }: LockedVault & { readonly clock: Clock }): CreateOptions {
  return lock ? { retention: retentionFrom(lock, clock.now().getTime()) } : {};
}

/** For `create`: everything that is needed to read a point is born locked. */
export function lockedAs(vault: LockedVault, runId: string): CreateOptions {
  const retention = objectRetention(vault, runId);
  return retention ? { retention } : {};
}

/**
 * `retainUntil` of a pack in the map of `runId` (Unix seconds; 0 = not locked): a promise that the commit keeps
 * (lock-point.ts). `parentUntil` is what the parent's map promises of a reused pack. Without it the pack's lock has to be
 * looked at, so no more is promised than the point needs.
 */
export function packRetainUntil(
  vault: LockedVault,
  { runId, pack, parentUntil }: { readonly runId: string; readonly pack: PackOwner; readonly parentUntil?: number },
): number {
  const needed = seconds(pointRetention(vault, runId));
  const extended = seconds(objectRetention(vault, runId));
  if (pack.runId === runId) return extended;
  if (parentUntil === undefined) return needed;
  return parentUntil >= needed ? parentUntil : extended;
}

interface PackOwner {
  readonly runId: string;
}

function seconds(retention: ObjectRetention | undefined): number {
  return Math.floor((retention?.until.getTime() ?? 0) / 1000);
}
