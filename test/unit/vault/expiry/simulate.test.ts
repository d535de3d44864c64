import { expect, test } from 'vitest';
import { RetentionRules } from '../../../../src/contract/retention.ts';
import { simulateRetention, syntheticPoints } from '../../../../src/vault/expiry/simulate.ts';

const HOUR = 3_600_000;
const from = new Date('2026-01-01T00:00:00.000Z');
const until = new Date('2027-01-01T00:00:00.000Z');

test('a year of points every six hours under the usual rules ends with as many as the rules have slots', () => {
  const rules = RetentionRules.parse({ last: 4, daily: 7, weekly: 4, monthly: 12 });
  const points = syntheticPoints({ from, until, everyMs: 6 * HOUR });
  const { rows, left } = simulateRetention({ points, rules, until, rowDays: 30 });
  expect(points).toHaveLength(365 * 4 + 1);
  expect(rows.reduce((sum, { made }) => sum + made, 0)).toBe(points.length);
  expect(rows.reduce((sum, { expired }) => sum + expired, 0)).toBe(points.length - left.length);
  expect(rows.at(-1)?.kept).toBe(left.length);
  const slots = (rule: string) => left.filter(({ reasons }) => reasons.some((reason) => reason.rule === rule)).length;
  expect({ last: slots('last'), daily: slots('daily'), weekly: slots('weekly'), monthly: slots('monthly') }).toEqual({
    last: 4,
    daily: 7,
    weekly: 4,
    monthly: 12,
  });
});

test('what stays is what stayed all the time: a policy never wants back what it expired', () => {
  const rules = RetentionRules.parse({ daily: 3, weekly: 2 });
  const points = syntheticPoints({ from, until: new Date('2026-02-10T00:00:00.000Z'), everyMs: 12 * HOUR });
  const { rows, left } = simulateRetention({ points, rules, until: new Date('2026-02-10T00:00:00.000Z'), rowDays: 1 });
  // Three days, and the newest of last week, which is one of them on Sundays to Tuesdays.
  for (const { kept } of rows.slice(20)) expect([3, 4]).toContain(kept);
  expect(left.map(({ capturedAt }) => capturedAt.slice(0, 13))).toEqual([
    '2026-02-10T00',
    '2026-02-09T12',
    '2026-02-08T12',
  ]);
});

test('no points give one empty row', () => {
  const { rows, left } = simulateRetention({
    points: [],
    rules: RetentionRules.parse({ last: 1 }),
    until,
    rowDays: 30,
  });
  expect(rows).toEqual([{ at: until.toISOString(), made: 0, expired: 0, kept: 0, oldest: '' }]);
  expect(left).toEqual([]);
});
