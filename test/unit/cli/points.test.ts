import { expect, test } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { runFake } from './fake-deps.ts';
import { INSTANCE, pointAt } from './samples.ts';

const VERIFIED = {
  verdict: 'green',
  at: '2026-11-23T02:50:00.000Z',
  runId: '20261123T024900Z-00000001',
  level: 'launch',
  disks: 'confirmed',
} as const;
const OTHER = 'i-00000000000000001';

test('a point shows its class and its latest validation result side by side', async () => {
  const points = [pointAt('2026-11-23T02:31:07.412Z', { validation: VERIFIED }), pointAt('2026-11-22T02:31:07.412Z')];
  const { exitCode, stdout } = await runFake(['points'], { points });
  const [first, second] = stdout.split('\n');
  expect(exitCode).toBe(0);
  expect(first).toMatch(/clean-shutdown {2}verified 10 min ago, class confirmed/);
  expect(second).toMatch(/clean-shutdown {2}not verified/);
});

test('a point of agents’ output alone says that it has no disks', async () => {
  const consistency = { disks: null, agents: { redis: 'application-consistent' as const } };
  const { stdout } = await runFake(['points'], { points: [pointAt('2026-11-23T02:31:07.412Z', { consistency })] });
  expect(stdout).toContain('no disks, redis application-consistent');
});

test('programs get one item per point and the number of points last', async () => {
  const points = [
    pointAt('2026-11-23T02:31:07.412Z', { validation: VERIFIED }),
    { state: 'invalid', pointId: '20261122T000000Z-00000000', vault: 'main', reason: 'no authenticator' } as const,
  ];
  const { json, requests } = await runFake(['points', '--vault', 'second', '--json'], { points });
  expect(json).toEqual([
    { ...points[0], type: 'item' },
    { ...points[1], type: 'item' },
    { type: 'result', ok: true, points: 2 },
  ]);
  expect(requests).toEqual([{ vault: 'second' }]);
});

test('people see what can be restored, and what was left out; --all and programs get everything', async () => {
  const fence = {
    state: 'abandoned',
    pointId: '20261122T000000Z-00000000',
    vault: 'main',
    reason: 'was over',
  } as const;
  const damaged = { ...fence, state: 'invalid', pointId: '20261121T000000Z-00000000' } as const;
  const expired = pointAt('2026-11-20T02:31:07.412Z', { state: 'expired', pointId: '20261120T023107Z-00000000' });
  const points = [pointAt('2026-11-23T02:31:07.412Z'), fence, damaged, expired];
  const { stdout, stderr } = await runFake(['points'], { points });
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^20261123T/),
    expect.stringMatching(/^20261121T/),
  ]);
  expect(stderr).toBe('not shown: 1 expired, 1 that ended without a point; --all shows them\n');
  expect((await runFake(['points', '--all'], { points })).stdout.trimEnd().split('\n')).toHaveLength(4);
  expect((await runFake(['points', '--json'], { points })).json).toHaveLength(5);
});

test('an instance narrows the list to its own points', async () => {
  const points = [pointAt('2026-11-23T02:31:07.412Z'), pointAt('2026-11-23T02:00:00.000Z', { instanceId: OTHER })];
  const { json } = await runFake(['points', OTHER, '--json'], { points });
  expect(json.map(({ instanceId }) => instanceId)).toEqual([OTHER, undefined]);
});

test('a vault that cannot be read ends with 1, says why, and still closes', async () => {
  const points = new VaultError('VaultNotInitialized', 's3://bucket/vault holds no vault.json');
  const { exitCode, stderr, json, closed } = await runFake(['points', '--json'], { points });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('s3://bucket/vault holds no vault.json');
  expect(stderr).toContain('understudy init');
  expect(json).toMatchObject([{ type: 'result', ok: false, code: 'VaultNotInitialized' }]);
  expect(closed).toBe(1);
});

test('status tells the newest point, the newest verified one with its age, and what runs', async () => {
  const points = [
    pointAt('2026-11-23T02:59:00.000Z', { validation: { ...VERIFIED, verdict: 'red', disks: 'refuted' } }),
    pointAt('2026-11-23T02:00:00.000Z', { pointId: '20261123T020000Z-00000002', validation: VERIFIED }),
  ];
  const running = [{ instanceId: OTHER, workflowId: 'w', phase: 'archive', startedAt: '2026-11-23T02:58:00.000Z' }];
  const human = await runFake(['status'], { points, running });
  const { json } = await runFake(['status', '--json'], { points, running });
  expect(json).toMatchObject([
    { type: 'item', instanceId: OTHER, newest: null, running: { phase: 'archive' } },
    {
      instanceId: INSTANCE,
      newest: { capturedAt: '2026-11-23T02:59:00.000Z' },
      newestVerified: { pointId: '20261123T020000Z-00000002' },
      verifiedAgeSeconds: 3600,
      running: null,
    },
    { type: 'item', gap: { kind: 'red', instanceId: INSTANCE } },
    { type: 'result', instances: 2, gaps: 1, temporal: 'asked' },
  ]);
  expect(human.stdout).toMatch(/running: archive, since 2 min/);
  expect(human.stdout).toMatch(/newest verified 20261123T020000Z-00000002 \(60 min, clean-shutdown\)/);
});
