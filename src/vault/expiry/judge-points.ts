import { type Calendar, type Calendars, calendarsOf, PERIODS, type Period } from './calendar.ts';
import type { RetentionRules } from './retention-rules.ts';

/** A committed point without a tombstone, as far as retention looks at it. */
export interface RetainedPoint {
  readonly pointId: string;
  /** The plan that made it, if one did. */
  readonly plan: string | null;
  /** ISO 8601: the point's time. */
  readonly capturedAt: string;
  /** ISO 8601; before it the point never expires, from then on no rule keeps it. Null: the rules alone decide. */
  readonly keepUntil: string | null;
  /** Of its latest attestation; null when nobody has verified it. */
  readonly verdict: 'passed' | 'failed' | null;
  readonly held: boolean;
  /** Why it is not known what must be known to judge it: a document about it proves nothing. */
  readonly doubt?: string;
  /** It holds what agents wrote, and nothing that a machine can be made of. */
  readonly withoutDisks?: boolean;
}

export type KeepRule =
  | 'doubt'
  | 'newest'
  | 'newest-verified'
  | 'held'
  | 'keep-until'
  | 'no-rule'
  | 'last'
  | 'within'
  | Period;

export interface KeepReason {
  readonly rule: KeepRule;
  /** For people: which slot of the rule it fills. */
  readonly text: string;
}

export interface PointJudgement {
  readonly pointId: string;
  readonly capturedAt: string;
  readonly decision: 'keep' | 'expire';
  /** Every rule that keeps it; empty when it expires. */
  readonly reasons: readonly KeepReason[];
}

export interface RetentionPolicy {
  /** For points of this plan, where it has rules of its own: they fill its slots only. */
  readonly plans: Readonly<Record<string, RetentionRules>>;
  /** For all other points; undefined: they expire at their own `keepUntil` and else never. */
  readonly vault: RetentionRules | undefined;
}

/**
 * Which points of one machine to keep, newest first; every keep with its reasons. Pure: the same points, policy and time
 * always give the same answer. The newest and the newest verified point are those of the machine, whoever made them.
 * Points without disks are judged among themselves: none of them may push out one that a machine can be made of. A point
 * in doubt stays and takes nobody's place: with it left out, the rules keep no other point less.
 */
export function judgePoints(
  points: readonly RetainedPoint[],
  { policy, now, calendars = calendarsOf() }: { policy: RetentionPolicy; now: Date; calendars?: Calendars },
): readonly PointJudgement[] {
  const kinds = Map.groupBy(
    points.filter(({ doubt }) => doubt === undefined),
    ({ withoutDisks = false }) => withoutDisks,
  );
  const judged = [...kinds.values()].flatMap((kind) => judgeKind(kind, { policy, now, calendars }));
  return [...judged, ...keepDoubted(points)].sort(byAge);
}

function keepDoubted(points: readonly RetainedPoint[]): readonly PointJudgement[] {
  return points.flatMap(({ pointId, capturedAt, doubt }) => {
    if (doubt === undefined) return [];
    return [{ pointId, capturedAt, decision: 'keep', reasons: [{ rule: 'doubt', text: doubt }] }];
  });
}

interface Judging {
  readonly policy: RetentionPolicy;
  readonly now: Date;
  readonly calendars: Calendars;
}

function judgeKind(points: readonly RetainedPoint[], { policy, now, calendars }: Judging): readonly PointJudgement[] {
  const newestFirst = [...points].sort(byAge);
  const reasons = new Map<RetainedPoint, KeepReason[]>();
  const keep: Keep = (point, rule, text) => {
    reasons.set(point, [...(reasons.get(point) ?? []), { rule, text }]);
  };
  keepWhateverTheRules(newestFirst, now, keep);
  const ruled = newestFirst.filter(({ keepUntil }) => keepUntil === null || !isOver(keepUntil, now));
  for (const [plan, series] of Map.groupBy(ruled, (point) => planWithRules(point, policy))) {
    const rules = plan === undefined ? policy.vault : policy.plans[plan];
    if (rules) keepByRules(series, { rules, now, calendar: calendars(rules.timezone) }, keep);
    else for (const point of series) keep(point, 'no-rule', 'no rule applies to it');
  }
  return newestFirst.map((point) => {
    const { pointId, capturedAt } = point;
    const found = reasons.get(point);
    return { pointId, capturedAt, decision: found ? 'keep' : 'expire', reasons: found ?? [] };
  });
}

type Aged = Pick<RetainedPoint, 'capturedAt' | 'pointId'>;

/** Newest first. */
function byAge(a: Aged, b: Aged): number {
  return compareText(b.capturedAt, a.capturedAt) || compareText(b.pointId, a.pointId);
}

function planWithRules({ plan }: RetainedPoint, { plans }: RetentionPolicy): string | undefined {
  return plan !== null && Object.hasOwn(plans, plan) ? plan : undefined;
}

type Keep = (point: RetainedPoint, rule: KeepRule, text: string) => void;

function keepWhateverTheRules(newestFirst: readonly RetainedPoint[], now: Date, keep: Keep): void {
  for (const newest of newestFirst.slice(0, 1)) keep(newest, 'newest', 'newest point');
  const verified = newestFirst.find(({ verdict }) => verdict === 'passed');
  if (verified) keep(verified, 'newest-verified', 'newest verified point');
  for (const point of newestFirst) {
    if (point.held) keep(point, 'held', 'held');
    if (point.keepUntil !== null && !isOver(point.keepUntil, now)) {
      keep(point, 'keep-until', `to be kept until ${point.keepUntil}`);
    }
  }
}

interface Ruling {
  readonly rules: RetentionRules;
  readonly now: Date;
  readonly calendar: Calendar;
}

function keepByRules(points: readonly RetainedPoint[], { rules, now, calendar }: Ruling, keep: Keep): void {
  const { within, last } = rules;
  if (within !== undefined) {
    const from = now.getTime() - durationMs(within);
    for (const point of points) {
      if (Date.parse(point.capturedAt) >= from) keep(point, 'within', `younger than ${within}`);
    }
  }
  if (last !== undefined) fillSlots(points, { rule: 'last', slots: last, periodOf: ({ pointId }) => pointId }, keep);
  for (const rule of PERIODS) {
    const slots = rules[rule];
    if (slots === undefined) continue;
    fillSlots(points, { rule, slots, periodOf: ({ capturedAt }) => calendar(capturedAt)[rule] }, keep);
  }
}

interface Slots {
  readonly rule: 'last' | Period;
  readonly slots: number;
  readonly periodOf: (point: RetainedPoint) => string;
}

/**
 * The newest point of each period takes its slot. A point whose verification is red takes none, so that it pushes no good
 * point out; it stays beside the one that does, because a verification can be red for reasons outside the vault.
 */
function fillSlots(newestFirst: readonly RetainedPoint[], { rule, slots, periodOf }: Slots, keep: Keep): void {
  let taken = 0;
  let latest: RetainedPoint | undefined;
  let takenPeriod: string | undefined;
  let redPeriod: string | undefined;
  for (const point of newestFirst) {
    const period = periodOf(point);
    if (period === takenPeriod) continue;
    if (taken === slots) return;
    const name = rule === 'last' ? 'last' : `${rule} ${period}`;
    if (point.verdict === 'failed') {
      if (period !== redPeriod) keep(point, rule, `${name}, beside the next good one: its verification is red`);
      redPeriod = period;
      continue;
    }
    taken++;
    latest = point;
    takenPeriod = period;
    keep(point, rule, `${name} (${taken} of ${slots})`);
  }
  // While a rule has slots left it keeps the oldest point too: else no yearly point could come to be.
  const oldest = newestFirst.findLast(({ verdict }) => verdict !== 'failed');
  if (!oldest || oldest === latest || taken === slots) return;
  keep(oldest, rule, `${rule}: the oldest point, while only ${taken} of ${slots} are there`);
}

function isOver(time: string, now: Date): boolean {
  return Date.parse(time) <= now.getTime();
}

const HOUR_MS = 3_600_000;

/** Of `48h`, `30d`, `8w`: hours, days of 24 hours, weeks. */
function durationMs(text: string): number {
  const hours = text.endsWith('w') ? 7 * 24 : text.endsWith('d') ? 24 : 1;
  return Number(text.slice(0, -1)) * hours * HOUR_MS;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
