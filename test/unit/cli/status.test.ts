import { expect, test } from 'vitest';
import { runFake } from './fake-deps.ts';
import { INSTANCE, pointAt } from './samples.ts';

const OTHER = 'i-00000000000000001';
const plan = (changes = {}) => ({ plan: 'nightly', instanceIds: [INSTANCE], unknown: null, ...changes });
const schedule = (changes = {}) => ({
  plan: 'nightly',
  paused: null,
  lastRunAt: '2026-11-23T02:00:00.000Z',
  missed: 0,
  ...changes,
});
const VERIFIED = {
  verdict: 'green',
  at: '2026-11-23T02:50:00.000Z',
  runId: '20261123T024900Z-00000001',
  level: 'launch',
  disks: 'confirmed',
} as const;
const points = [pointAt('2026-11-23T02:31:07.412Z', { validation: VERIFIED })];

async function gapsOf(script: Parameters<typeof runFake>[1]) {
  const { json } = await runFake(['status', '--json'], { points, plans: [plan()], schedules: [schedule()], ...script });
  return json.flatMap(({ gap }) => (gap === undefined ? [] : [gap]));
}

test('an instance that is proven, by a plan that runs, has no gap', async () => {
  expect(await gapsOf({})).toEqual([]);
});

test.each([
  {
    what: 'an instance that a plan selects and that has no point',
    script: { plans: [plan({ instanceIds: [INSTANCE, OTHER] })] },
    kind: 'no-point',
  },
  { what: 'a plan without a schedule', script: { schedules: [] }, kind: 'plan-not-scheduled' },
  { what: 'a paused plan', script: { schedules: [schedule({ paused: 'holidays' })] }, kind: 'plan-paused' },
  { what: 'a plan that never ran', script: { schedules: [schedule({ lastRunAt: null })] }, kind: 'plan-not-run' },
  { what: 'a plan that missed runs', script: { schedules: [schedule({ missed: 3 })] }, kind: 'plan-not-run' },
  {
    what: 'an instance that was never verified',
    script: { points: [pointAt('2026-11-23T02:31:07.412Z')] },
    kind: 'unverified',
  },
  {
    what: 'a selection that could not be asked for',
    script: { plans: [plan({ unknown: 'AccessDenied' })] },
    kind: 'unknown',
  },
])('$what is a gap', async ({ script, kind }) => {
  expect(await gapsOf(script)).toMatchObject([{ kind }]);
});

test('without Temporal the vault still tells what there is, and that Temporal was not asked', async () => {
  const temporal = new Error('connect ECONNREFUSED 127.0.0.1:7233');
  const { exitCode, stdout, stderr } = await runFake(['status'], { points, plans: [plan()], temporal });
  expect(exitCode).toBe(0);
  expect(stdout).toContain(INSTANCE);
  expect(stderr).toMatch(/Temporal was not asked/);
});
