import { expect, test } from 'vitest';
import type { ResolvedPlan } from '../../../src/contract/resolved-backup.ts';
import type { PlanOutcome } from '../../../src/contract/results.ts';
import { nameFailed, outcomeOfFailed, tabulateOutcomes } from '../../../src/workflows/plan-outcomes.ts';

const LARGEST = 5000;
const POINT_ID = '20261123T023107Z-9f2c01ab';

function instance(index: number): string {
  return `i-${index.toString(16).padStart(17, '0')}`;
}

function failed(index: number): PlanOutcome {
  return outcomeOfFailed(instance(index), { code: 'PreflightRefused', message: 'a long reason, '.repeat(50) });
}

function done(index: number): PlanOutcome {
  return { instanceId: instance(index), state: 'done', pointId: POINT_ID };
}

function planOf(count: number): ResolvedPlan {
  const instanceIds = Array.from({ length: count }, (_, index) => instance(index));
  return { plan: 'nightly', instanceIds, request: {}, atATime: 4, searchAttributes: false };
}

test('a backup that runs already is no failure of the plan', () => {
  const running = { code: 'BackupAlreadyRunning', message: 'since 02:00' };
  expect(outcomeOfFailed(instance(1), running)).toEqual({
    instanceId: instance(1),
    state: 'already-running',
    ...running,
  });
});

test('of many that failed twenty are named, the others counted', () => {
  expect(nameFailed([failed(1), failed(2)])).toBe(
    `${instance(1)} (PreflightRefused), ${instance(2)} (PreflightRefused)`,
  );
  const sentence = nameFailed(Array.from({ length: 23 }, (_, index) => failed(index)));
  expect(sentence.match(/i-0/g)).toHaveLength(20);
  expect(sentence).toMatch(/, and 3 more$/);
});

test('the largest plan, all of it failed, fits into what Temporal takes as a payload', () => {
  const outcomes = Array.from({ length: LARGEST }, (_, index) => failed(index));
  expect(JSON.stringify({ outcomes }).length).toBeLessThan(2 * 1024 ** 2);
});

test('the table shows every instance of a small plan, latest first, and what failed above them', () => {
  const table = tabulateOutcomes(planOf(4), [done(0), failed(1), done(2)]);
  expect(table).toMatch(/^### Plan nightly: 3 of 4$/m);
  expect(table.match(/i-0[0-9a-f]+/g)).toEqual([instance(1), instance(2), instance(0)]);
  expect(table).not.toContain('more');
});

test('the table of a large plan shows what failed, and counts what has no room', () => {
  const outcomes = [failed(0), ...Array.from({ length: LARGEST - 1 }, (_, index) => done(index + 1))];
  const table = tabulateOutcomes(planOf(LARGEST), outcomes);
  const shown = table.match(/i-0[0-9a-f]+/g) ?? [];
  expect(shown).toHaveLength(100);
  expect(shown.slice(0, 2)).toEqual([instance(0), instance(LARGEST - 1)]);
  expect(table).toMatch(/^and 4900 more$/m);
});
