import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { planScheduleId } from '../contract/workflow-ids.ts';

/** How a plan's schedule is doing. */
export interface PlanSchedule {
  readonly plan: string;
  /** The note of whoever paused it; null: it runs. */
  readonly paused: string | null;
  /** ISO 8601; null: it has never run. */
  readonly lastRunAt: string | null;
  /** Runs that were due while the server stood still for too long. */
  readonly missed: number;
}

/** Plans without a schedule are left out. */
export async function readPlanSchedules(client: Client, plans: readonly string[]): Promise<readonly PlanSchedule[]> {
  const found: PlanSchedule[] = [];
  for (const plan of plans) {
    try {
      const { state, info } = await client.schedule.getHandle(planScheduleId(plan)).describe();
      found.push({
        plan,
        paused: state.paused ? (state.note ?? 'no note') : null,
        lastRunAt: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
        missed: info.numActionsMissedCatchupWindow,
      });
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
  return found;
}
