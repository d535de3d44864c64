import { expect, test } from 'vitest';
import type { DrillResult } from '../../../src/contract/drill.ts';
import { PlatformError } from '../../../src/errors.ts';
import { runFake } from './fake-deps.ts';

const POINT = '20261123T023107Z-9f2c01ab';
const RESULT: DrillResult = {
  vault: 'main',
  budgetMs: 1_800_000,
  tookMs: 62_000,
  outcomes: [
    {
      pointId: POINT,
      instanceId: 'i-a',
      provenAt: null,
      expectedMs: null,
      state: 'green',
      ms: 62_000,
      restoredBytes: 163e6,
    },
    {
      pointId: '20261122T023107Z-9f2c01ab',
      instanceId: 'i-b',
      provenAt: '2026-11-22T03:00:00.000Z',
      expectedMs: 9e9,
      state: 'no-time',
    },
  ],
};

test('a drill tells of every point how it went, and what did not fit', async () => {
  const { exitCode, stdout, requests } = await runFake(['drill', '--budget', '30m', '--plan', 'nightly'], {
    drill: RESULT,
  });
  expect(requests).toEqual([{ request: { budget: '30m', plan: 'nightly' }, requestId: 'request-1' }]);
  expect(stdout).toMatch(/green +20261123T023107Z-9f2c01ab +i-a +never proven before +took/);
  expect(stdout).toMatch(/no-time .*last proven .* ago/);
  expect(stdout).toMatch(/1 of 2 points proven/);
  expect(exitCode).toBe(0);
});

test('a red point ends the drill with exit code 4, its table and its reason', async () => {
  const outcomes = [{ ...RESULT.outcomes[0], state: 'red', message: 'postgresql answers: did not recover' }];
  const drill = Object.assign(new PlatformError('DrillFailed', '1 of 1 recovery points did not prove themselves'), {
    details: [{ vault: 'main' }, { drill: { ...RESULT, outcomes } }],
  });
  const { exitCode, stdout, stderr } = await runFake(['drill'], { drill });
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/red .*did not recover/);
  expect(stderr).toContain('DrillFailed');
});

test.each(['5s', '0m', 'soon'])('a budget of %s is wrong usage', async (budget) => {
  expect(await runFake(['drill', '--budget', budget])).toMatchObject({ exitCode: 2, requests: [] });
});
