import { expect, test } from 'vitest';
import { runFake } from './fake-deps.ts';
import { POINT_ID, progressWith, VERIFICATION } from './samples.ts';

const STEPS = [
  { what: 'deployment id', outcome: 'created', found: '/home/me/.config/understudy/deployment.json' },
  { what: 'vault main', outcome: 'unchanged', found: 's3://bucket/vault' },
  { what: 'search attributes', outcome: 'created', found: '5' },
  { what: 'schedule nightly', outcome: 'updated', found: '0 2 * * * UTC' },
] as const;

test('init says what it made and what was there', async () => {
  const human = await runFake(['init'], { steps: STEPS });
  const { json } = await runFake(['init', '--json'], { steps: STEPS });
  expect(human.exitCode).toBe(0);
  expect(human.stdout).toMatch(/^created +deployment id +\/home/m);
  expect(human.stdout).toMatch(/^unchanged +vault main +s3:\/\/bucket\/vault$/m);
  expect(json.map(({ type, what }) => [type, what])).toEqual([
    ['item', 'deployment id'],
    ['item', 'vault main'],
    ['item', 'search attributes'],
    ['result', undefined],
  ]);
});

test.each([
  { args: ['schedules'], prune: false },
  { args: ['schedules', '--prune'], prune: true },
])('$args removes schedules only when asked to: prune is $prune', async ({ args, prune }) => {
  const { requests, stdout } = await runFake(args, { steps: STEPS });
  expect(requests).toEqual([{ prune }]);
  expect(stdout).toMatch(/^updated +schedule nightly +0 2/m);
});

test.each(['control', 'mover'])('worker %s runs that role', async (role) => {
  const { requests, exitCode } = await runFake(['worker', role]);
  expect([exitCode, requests]).toEqual([0, [{ worker: role }]]);
});

test('a worker without a known role is bad usage', async () => {
  expect((await runFake(['worker', 'both'])).exitCode).toBe(2);
});

test('verify shows every fact; a red verdict ends with 4', async () => {
  const progress = [progressWith({ restore: 'done' })];
  const green = await runFake(['verify', POINT_ID], { progress, verification: VERIFICATION });
  const red = await runFake(['verify', POINT_ID, '--json'], {
    progress,
    verification: { ...VERIFICATION, verdict: 'red', failures: ['no boot'] },
  });
  expect([green.exitCode, red.exitCode]).toEqual([0, 4]);
  expect(green.stdout).toMatch(/^green {2}20261123T023107Z-9f2c01ab: 155 MiB restored from the vault in 3\.1 s/);
  expect(green.stdout).toContain('postgresql probe: 10000 accounts');
  expect(red.json.at(-1)).toMatchObject({ type: 'result', verdict: 'red', failures: ['no boot'] });
});

test('a point id that is none is bad usage', async () => {
  const { exitCode, stderr } = await runFake(['verify', 'newest']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('pointId: must look like');
});
