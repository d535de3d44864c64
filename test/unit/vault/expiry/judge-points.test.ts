import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { RetentionRules } from '../../../../src/contract/retention.ts';
import { judgePoints, type RetainedPoint } from '../../../../src/vault/expiry/judge-points.ts';

vi.setConfig({ testTimeout: 60_000 });

const NOW = new Date('2026-11-23T12:00:00.000Z');

function point(capturedAt: string, facts: Partial<RetainedPoint> = {}): RetainedPoint {
  const at = new Date(capturedAt).toISOString();
  return { pointId: at, plan: null, capturedAt: at, keepUntil: null, verdict: 'passed', held: false, ...facts };
}

type RulesInput = z.input<typeof RetentionRules>;

/** The decision by time, for reading. */
function judge(points: readonly RetainedPoint[], rules: RulesInput | undefined, now = NOW) {
  const policy = { plans: {}, vault: rules && RetentionRules.parse(rules) };
  return judgePoints(points, { policy, now });
}

const kept = (...args: Parameters<typeof judge>) =>
  judge(...args)
    .filter(({ decision }) => decision === 'keep')
    .map(({ capturedAt }) => capturedAt.slice(0, 16));

const rulesOf = (...args: Parameters<typeof judge>) =>
  Object.fromEntries(
    judge(...args).map(({ capturedAt, reasons }) => [capturedAt.slice(0, 16), reasons.map((r) => r.rule)]),
  );

const days = (...list: number[]) => list.map((day) => point(`2026-11-${String(day).padStart(2, '0')}T10:00Z`));

test('the newest points fill the slots, and every keep says which', () => {
  const judged = judge(days(20, 21, 22, 23), { last: 2 });
  expect(judged.map(({ decision }) => decision)).toEqual(['keep', 'keep', 'expire', 'expire']);
  expect(judged[1]?.reasons).toEqual([{ rule: 'last', text: 'last (2 of 2)' }]);
  expect(judged[2]?.reasons).toEqual([]);
});

test('the newest point of each period stays; periods without a point take no slot', () => {
  const points = [
    '2026-11-23T09:00Z',
    '2026-11-23T03:00Z',
    '2026-11-20T22:00Z',
    '2026-11-20T01:00Z',
    '2026-11-02T01:00Z',
  ];
  expect(
    kept(
      points.map((at) => point(at)),
      { daily: 2 },
    ),
  ).toEqual(['2026-11-23T09:00', '2026-11-20T22:00']);
});

test('while slots are free the oldest point stays too, or no yearly point could come to be', () => {
  const points = days(1, 2, 3, 20);
  expect(rulesOf(points, { yearly: 3 })).toEqual({
    '2026-11-20T10:00': ['newest', 'newest-verified', 'yearly'],
    '2026-11-03T10:00': [],
    '2026-11-02T10:00': [],
    '2026-11-01T10:00': ['yearly'],
  });
});

describe('calendar', () => {
  const at = (rule: 'hourly' | 'daily' | 'weekly', timezone: string, times: string[]) =>
    kept(
      times.map((time) => point(time)),
      { [rule]: 100, timezone },
    );

  test('the two hours from 2 to 3 of an autumn night are two', () => {
    // Berlin goes from +02:00 to +01:00 at 01:00 UTC of 2026-10-25.
    const times = ['2026-10-25T00:10Z', '2026-10-25T01:10Z', '2026-10-25T01:20Z'];
    expect(at('hourly', 'Europe/Berlin', times)).toEqual(['2026-10-25T01:20', '2026-10-25T00:10']);
  });

  test("a day is the people's: midnight in Berlin parts two points that UTC has on one day", () => {
    const times = ['2026-03-28T22:30Z', '2026-03-28T23:30Z', '2026-03-29T21:30Z', '2026-03-29T22:30Z'];
    // 2026-03-29 has 23 hours there: 23:00 to 22:00 UTC.
    expect(
      kept(
        times.map((time) => point(time)),
        { daily: 2, timezone: 'Europe/Berlin' },
      ),
    ).toEqual(['2026-03-29T22:30', '2026-03-29T21:30']);
    expect(at('daily', 'Europe/Berlin', times)).toEqual(['2026-03-29T22:30', '2026-03-29T21:30', '2026-03-28T22:30']);
  });

  test('weeks begin on Monday and the last days of a year may lie in week 1', () => {
    // 2026-12-31 is a Thursday in W53; 2025-12-29 is a Monday, in 2026-W01.
    const times = ['2026-12-31T10:00Z', '2027-01-03T10:00Z', '2027-01-04T10:00Z'];
    expect(at('weekly', 'UTC', times)).toEqual(['2027-01-04T10:00', '2027-01-03T10:00', '2026-12-31T10:00']);
    const texts = judge([point('2025-12-29T00:00Z')], { weekly: 3 }).flatMap(({ reasons }) =>
      reasons.map((r) => r.text),
    );
    expect(texts).toContain('weekly 2026-W01 (1 of 3)');
  });

  test('a zone of half hours has hours of its own', () => {
    const times = ['2026-11-23T04:20Z', '2026-11-23T04:40Z'];
    expect(at('hourly', 'Asia/Kolkata', times)).toHaveLength(2);
    expect(at('hourly', 'UTC', times)).toHaveLength(2); // the older one as the oldest while slots are free
    expect(
      kept(
        times.map((time) => point(time)),
        { hourly: 1, timezone: 'UTC' },
      ),
    ).toHaveLength(1);
  });
});

describe('what no rule may expire', () => {
  test('the newest point and the newest verified point stay, whatever the rules', () => {
    const points = [point('2026-11-01T00:00Z'), ...days(10, 11, 12).map((p) => ({ ...p, verdict: 'failed' as const }))];
    expect(rulesOf(points, { within: '1h' })).toEqual({
      '2026-11-12T10:00': ['newest'],
      '2026-11-11T10:00': [],
      '2026-11-10T10:00': [],
      '2026-11-01T00:00': ['newest-verified'],
    });
  });

  test('a held point stays', () => {
    const points = [...days(20, 21), point('2026-01-01T00:00Z', { held: true })];
    expect(rulesOf(points, { last: 1 })['2026-01-01T00:00']).toEqual(['held']);
  });

  test('keepUntil: never before it, and no rule keeps a point from then on', () => {
    const later = point('2026-11-10T00:00Z', { keepUntil: '2027-01-01T00:00:00.000Z' });
    const over = point('2026-11-20T00:00Z', { keepUntil: NOW.toISOString() });
    const found = rulesOf([...days(21, 22), later, over], { last: 2 });
    expect(found['2026-11-10T00:00']).toEqual(['keep-until']);
    expect(found['2026-11-20T00:00']).toEqual([]);
  });

  test('without rules only keepUntil ends a point', () => {
    const over = point('2026-11-20T00:00Z', { keepUntil: '2026-11-22T00:00:00.000Z' });
    expect(rulesOf([...days(21, 22), over], undefined)).toEqual({
      '2026-11-22T10:00': ['newest', 'newest-verified', 'no-rule'],
      '2026-11-21T10:00': ['no-rule'],
      '2026-11-20T00:00': [],
    });
  });
});

test('within counts hours, days of 24 hours and weeks', () => {
  const points = days(1, 9, 21, 22, 23);
  expect(kept(points, { within: '2h' })).toHaveLength(1);
  expect(kept(points, { within: '3d' })).toHaveLength(3);
  expect(kept(points, { within: '2w' })).toHaveLength(3);
  expect(kept(points, { within: '3w' })).toHaveLength(4);
});

test('points of one instant are told apart by their ids', () => {
  const [one, two] = [point('2026-11-20T00:00Z'), { ...point('2026-11-20T00:00Z'), pointId: 'z' }];
  expect(judge([one, two], { last: 1 }).map(({ pointId, decision }) => `${decision} ${pointId[0]}`)).toEqual([
    'keep z',
    'expire 2',
  ]);
});

test('a red point takes no slot, so it pushes no good one out, and stays beside the one that does', () => {
  const points = [
    point('2026-11-23T10:00Z'),
    point('2026-11-22T18:00Z', { verdict: 'failed' }),
    point('2026-11-22T12:00Z', { verdict: 'failed' }),
    point('2026-11-22T06:00Z', { verdict: null }),
    point('2026-11-21T10:00Z'),
  ];
  expect(kept(points, { daily: 2 })).toEqual(['2026-11-23T10:00', '2026-11-22T18:00', '2026-11-22T06:00']);
});

test("a plan with rules of its own fills its own slots; other points are the vault's", () => {
  const nightly = days(21, 22, 23).map((p) => ({ ...p, plan: 'nightly' }));
  const byHand = days(19, 20).map((p) => ({ ...p, plan: 'renamed' }));
  const policy = {
    plans: { nightly: RetentionRules.parse({ last: 1 }) },
    vault: RetentionRules.parse({ last: 2 }),
  };
  const found = judgePoints([...nightly, ...byHand], { policy, now: NOW });
  expect(found.filter(({ decision }) => decision === 'keep').map(({ capturedAt }) => capturedAt.slice(8, 10))).toEqual([
    '23',
    '20',
    '19',
  ]);
});

test('a point without disks takes no slot of those with disks, and none of their places as newest', () => {
  const withDisks = days(20, 21);
  const without = days(21, 22, 23).map((p) => ({ ...p, pointId: `${p.pointId} output`, withoutDisks: true }));
  expect(kept([...withDisks, ...without], { last: 1 })).toEqual(['2026-11-23T10:00', '2026-11-21T10:00']);
  const unverified = without.map((p) => ({ ...p, verdict: null }));
  expect(rulesOf([...withDisks, ...unverified], { last: 1 })).toMatchObject({
    '2026-11-23T10:00': ['newest', 'last'],
    '2026-11-21T10:00': ['newest', 'newest-verified', 'last'],
  });
});

test('rules that would keep nothing, and zones that do not exist, are refused by name', () => {
  expect(RetentionRules.safeParse({}).success).toBe(false);
  expect(RetentionRules.safeParse({ timezone: 'UTC' }).error?.issues[0]?.message).toMatch(/must have a rule/);
  expect(RetentionRules.safeParse({ last: 1, timezone: 'Mars/Olympus' }).error?.issues[0]?.message).toMatch(
    /time zone/,
  );
  expect(RetentionRules.safeParse({ within: '0d' }).success).toBe(false);
  expect(RetentionRules.safeParse({ last: 0 }).success).toBe(false);
});

test('random points: each rule keeps its number of periods, the guards hold, and order of input means nothing', () => {
  const hour = fc.integer({ min: 0, max: 24 * 400 });
  const facts = fc.record({ hour, verdict: fc.constantFrom('passed', 'failed', null), held: fc.boolean() });
  const rules = fc.record({
    last: fc.integer({ min: 1, max: 5 }),
    daily: fc.integer({ min: 1, max: 5 }),
    monthly: fc.integer({ min: 1, max: 5 }),
  });
  const start = Date.parse('2025-10-01T00:00:00Z');
  fc.assert(
    fc.property(fc.uniqueArray(facts, { selector: (one) => one.hour, maxLength: 40 }), rules, (list, wanted) => {
      const points = list.map(({ hour: at, verdict, held }) =>
        point(new Date(start + at * 3_600_000).toISOString(), { verdict, held }),
      );
      const judged = judge(points, wanted);
      expect(judge(points.toReversed(), wanted)).toEqual(judged);
      expect(judged[0]?.decision).not.toBe('expire');
      const good = new Set(points.filter(({ verdict }) => verdict !== 'failed').map(({ pointId }) => pointId));
      for (const rule of ['last', 'daily', 'monthly'] as const) {
        const filled = judged.filter(
          ({ pointId, reasons }) => good.has(pointId) && reasons.some((r) => r.rule === rule),
        );
        // One more: the oldest point, while slots are free.
        expect(filled.length).toBeLessThanOrEqual(wanted[rule] + 1);
        expect(filled.length).toBeGreaterThanOrEqual(Math.min(good.size, rule === 'last' ? wanted[rule] : 1));
      }
      for (const { pointId, decision } of judged) {
        if (points.find((one) => one.pointId === pointId)?.held) expect(decision).toBe('keep');
      }
    }),
  );
});
