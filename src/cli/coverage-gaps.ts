import type { PlanCoverage, PlanSchedule } from './deps.ts';
import type { InstanceStatus } from './status.ts';

/** Something that people believe to be protected, and that is not, or not surely. */
export interface Gap {
  readonly kind: 'no-point' | 'unverified' | 'red' | 'plan-not-scheduled' | 'plan-paused' | 'plan-not-run' | 'unknown';
  readonly instanceId?: string;
  readonly plan?: string;
  readonly text: string;
}

/** Instances that a plan selects and that have no point; plans that do not run. `schedules` null: Temporal was not asked. */
export function gapsOfPlans(
  plans: readonly PlanCoverage[],
  schedules: readonly PlanSchedule[] | null,
  statuses: readonly InstanceStatus[],
): readonly Gap[] {
  const covered = new Set(statuses.filter(({ newest }) => newest !== null).map(({ instanceId }) => instanceId));
  return plans.flatMap(({ plan, instanceIds, unknown }): Gap[] => {
    const missing = instanceIds
      .filter((instanceId) => !covered.has(instanceId))
      .map(
        (instanceId): Gap => ({ kind: 'no-point', instanceId, plan, text: 'selected by the plan, and has no point' }),
      );
    const unread: Gap[] =
      unknown === null
        ? []
        : [{ kind: 'unknown', plan, text: `which instances it selects was not found out: ${unknown}` }];
    return [...missing, ...unread, ...scheduleGaps(plan, schedules)];
  });
}

function scheduleGaps(plan: string, schedules: readonly PlanSchedule[] | null): Gap[] {
  if (schedules === null) return [];
  const schedule = schedules.find((one) => one.plan === plan);
  if (!schedule) return [{ kind: 'plan-not-scheduled', plan, text: 'has no schedule; run: understudy schedules' }];
  const { paused, lastRunAt, missed } = schedule;
  if (paused !== null) return [{ kind: 'plan-paused', plan, text: `is paused: ${paused}` }];
  if (missed > 0)
    return [{ kind: 'plan-not-run', plan, text: `missed ${missed} of its runs; did the server stand still?` }];
  return lastRunAt === null ? [{ kind: 'plan-not-run', plan, text: 'has never run yet' }] : [];
}

/** Points that nothing has proven, and those whose newest is known to be bad. */
export function gapsOfInstances(statuses: readonly InstanceStatus[]): readonly Gap[] {
  return statuses.flatMap(({ instanceId, newest, newestVerified, unverified }): Gap[] => {
    if (!newest) return [];
    if (newest.validation?.verdict === 'red') {
      return [{ kind: 'red', instanceId, text: `its newest point ${newest.pointId} did not verify` }];
    }
    if (!newestVerified) return [{ kind: 'unverified', instanceId, text: 'none of its points was ever verified' }];
    if (unverified === 0) return [];
    const points = `${unverified} of its points ${unverified === 1 ? 'was' : 'were'} never verified`;
    return [{ kind: 'unverified', instanceId, text: `${points}; run: understudy drill --instance ${instanceId}` }];
  });
}
