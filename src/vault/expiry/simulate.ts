import { calendarsOf } from './calendar.ts';
import { judgePoints, type PointJudgement, type RetainedPoint } from './judge-points.ts';
import type { RetentionRules } from './retention-rules.ts';

export interface SimulationRow {
  /** ISO 8601. */
  readonly at: string;
  /** Points made since the row before. */
  readonly made: number;
  readonly expired: number;
  /** Points that are there at this moment. */
  readonly kept: number;
  /** ISO 8601: how far back one could go. */
  readonly oldest: string;
}

export interface Simulation {
  readonly rows: readonly SimulationRow[];
  /** What is left at the end, newest first, with its reasons. */
  readonly left: readonly PointJudgement[];
}

interface Request {
  readonly points: readonly RetainedPoint[];
  readonly rules: RetentionRules;
  /** The end; a policy that runs on without new points would expire nothing more but by `within` and `keepUntil`. */
  readonly until: Date;
  /** One row for this many days; the last one ends at `until`. */
  readonly rowDays: number;
}

const DAY_MS = 86_400_000;

/** Lives through the policy as the vault would: it is applied after every point that is made. */
export function simulateRetention({ points, rules, until, rowDays }: Request): Simulation {
  const policy = { plans: {}, vault: rules };
  const calendars = calendarsOf();
  const coming = points
    .filter(({ capturedAt }) => Date.parse(capturedAt) <= until.getTime())
    .sort((a, b) => Date.parse(a.capturedAt) - Date.parse(b.capturedAt));
  let there: RetainedPoint[] = [];
  let judged: readonly PointJudgement[] = [];
  const rows: SimulationRow[] = [];
  const tally = { made: 0, expired: 0 };
  const apply = (now: Date) => {
    judged = judgePoints(there, { policy, now, calendars }).filter(({ decision }) => decision === 'keep');
    const kept = new Set(judged.map(({ pointId }) => pointId));
    tally.expired += there.length - kept.size;
    there = there.filter(({ pointId }) => kept.has(pointId));
  };
  const endRow = (at: number) => {
    apply(new Date(at));
    const [oldest] = there;
    rows.push({ at: new Date(at).toISOString(), ...tally, kept: there.length, oldest: oldest?.capturedAt ?? '' });
    tally.made = 0;
    tally.expired = 0;
  };
  let rowEnd = Date.parse(coming[0]?.capturedAt ?? until.toISOString()) + rowDays * DAY_MS;
  for (const point of coming) {
    const at = Date.parse(point.capturedAt);
    for (; rowEnd < at; rowEnd += rowDays * DAY_MS) endRow(rowEnd);
    there.push(point);
    tally.made++;
    apply(new Date(at));
  }
  for (; rowEnd < until.getTime(); rowEnd += rowDays * DAY_MS) endRow(rowEnd);
  endRow(until.getTime());
  return { rows, left: judged };
}

/** A point every so often, as a schedule would make them; all verified. */
export function syntheticPoints({
  from,
  until,
  everyMs,
}: {
  from: Date;
  until: Date;
  everyMs: number;
}): RetainedPoint[] {
  const points: RetainedPoint[] = [];
  for (let at = from.getTime(); at <= until.getTime(); at += everyMs) {
    const capturedAt = new Date(at).toISOString();
    points.push({ pointId: capturedAt, plan: null, capturedAt, keepUntil: null, verdict: 'passed', held: false });
  }
  return points;
}
