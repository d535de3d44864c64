import { z } from 'zod';
import { ConfiguredName, InstanceId } from './names.ts';

/** Temporal's own form of a time span, in whole minutes or hours: a drill of seconds proves nothing. */
export const DrillBudget = z.string().regex(/^[1-9]\d{0,3}[mh]$/, 'must be a time such as "30m" or "2h"');

/** Restores and asks the points that were proven longest ago, as many as fit into the time. */
export const DrillRequest = z.strictObject({
  budget: DrillBudget.default('30m'),
  /** Only points of this instance. */
  instanceId: InstanceId.optional(),
  /** Only points that this plan made. */
  plan: ConfiguredName.optional(),
  vault: ConfiguredName.optional(),
  isolation: ConfiguredName.optional(),
});
export type DrillRequest = z.input<typeof DrillRequest>;

export interface ResolvedDrill {
  readonly budgetMs: number;
  readonly vault: string;
  readonly isolation: string;
  readonly instanceId?: string;
  readonly plan?: string;
}

/** A point that a drill may take, and what is known of it. */
export interface DrillCandidate {
  readonly pointId: string;
  readonly instanceId: string;
  /** ISO 8601; null: never. */
  readonly provenAt: string | null;
  /** The longest that is to be expected; null: nothing like it was ever measured. */
  readonly expectedMs: number | null;
}

export interface DrillOutcome extends DrillCandidate {
  /**
   * `failed`: the attempt, which says nothing about the point. `no-time`: it did not fit any more. `expired`: while others
   * were proven.
   */
  readonly state: 'green' | 'red' | 'failed' | 'no-time' | 'expired';
  readonly ms?: number;
  readonly restoredBytes?: number;
  /** Why it is not green. */
  readonly message?: string;
}

export interface DrillResult {
  readonly vault: string;
  readonly budgetMs: number;
  readonly tookMs: number;
  readonly outcomes: readonly DrillOutcome[];
}
