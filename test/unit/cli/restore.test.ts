import { expect, test } from 'vitest';
import type { RestoreResult } from '../../../src/contract/results.ts';
import { PlatformError } from '../../../src/errors.ts';
import type { Forecast } from '../../../src/vault/index.ts';
import { runFake } from './fake-deps.ts';

const POINT = '20261123T023107Z-9f2c01ab';
const RESULT: RestoreResult = {
  pointId: POINT,
  runId: '20261124T000000Z-00000001',
  to: 'instance',
  into: 'lab',
  machine: {
    machineId: 'i-0restored',
    instanceType: 't3.small',
    zone: 'local-1a',
    subnetId: 'subnet-2',
    privateAddress: '10.0.0.9',
    volumes: { 'vol-0a': 'vol-0new' },
  },
  volumes: [],
  isolation: [{ name: 'dns-off', verdict: 'holds', found: 'off' }],
  restoredBytes: 163e6,
  restoreMs: 3100,
  phases: [],
  leftovers: [],
};
const FORECAST: Forecast = {
  fromMs: 12_000,
  toMs: 20_000,
  phases: [
    { phase: 'restore', fromMs: 8_000, toMs: 14_000 },
    { phase: 'create', fromMs: 4_000, toMs: 6_000 },
  ],
  basedOn: { kind: 'verification', measurements: 3, sameMachine: true, newest: '2026-11-20T01:00:00.000Z' },
  beyondMeasured: false,
};
const progress = [{ phases: [], volumes: [] }];

test('a restore asks for a machine in the isolated network, and says what stays and who removes it', async () => {
  const { exitCode, stdout, requests, closed } = await runFake(['restore', POINT], { restore: RESULT, progress });
  expect(requests).toEqual([{ request: { pointId: POINT, to: 'instance' }, requestId: 'request-1' }]);
  expect(stdout).toMatch(/machine {7}i-0restored \(t3\.small, local-1a\), 10\.0\.0\.9 in subnet-2/);
  expect(stdout).toMatch(/vol-0new as vol-0a was/);
  expect(stdout).toMatch(/isolated, proven by 1 lines/);
  expect(stdout).toMatch(/stays until you remove it/);
  expect({ exitCode, closed }).toEqual({ exitCode: 0, closed: 1 });
});

test('volumes into a named place are asked for by names only', async () => {
  const made = { sourceVolumeId: 'vol-0a', volumeId: 'vol-0new', zone: 'local-1b', bytes: 1, type: 'gp3' };
  const { machine: _machine, ...base } = RESULT;
  const restore = { ...base, to: 'volumes', into: 'dr', volumes: [made], isolation: [] } as const;
  const args = ['restore', POINT, '--to', 'volumes', '--into', 'dr', '--volume', 'vol-0123456789abcdef0'];
  const { stdout, requests } = await runFake(args, { restore, progress });
  const request = { pointId: POINT, to: 'volumes', into: 'dr', volumeIds: ['vol-0123456789abcdef0'] };
  expect(requests).toMatchObject([{ request }]);
  expect(stdout).toMatch(/volume {8}vol-0new \(gp3, local-1b\) as vol-0a was/);
});

test.each([
  { what: 'a point that is no id', args: ['restore', '../points'], exitCode: 2 },
  { what: 'a target that does not exist', args: ['restore', POINT, '--to', 'production'], exitCode: 2 },
  { what: 'a folder for a machine', args: ['restore', POINT, '--folder', 'x'], exitCode: 2 },
  { what: 'images without a folder', args: ['restore', POINT, '--to', 'images'], exitCode: 2 },
])('$what is wrong usage, and nothing is opened', async ({ args, exitCode }) => {
  const run = await runFake(args);
  expect(run).toMatchObject({ exitCode, requests: [], stdout: '' });
});

test('a refused network ends with exit code 3 and its reasons', async () => {
  const restore = new PlatformError('PreflightRefused', '- dns-off: name resolution is on');
  const { exitCode, stderr } = await runFake(['restore', POINT], { restore, progress });
  expect(exitCode).toBe(3);
  expect(stderr).toContain('dns-off');
});

test('--plan tells a range per phase and what it is based on, and starts nothing', async () => {
  const { stdout, requests } = await runFake(['restore', POINT, '--plan'], { forecast: FORECAST });
  expect(requests).toEqual([{ vault: undefined }]);
  expect(stdout).toMatch(/restore {3}8\.0 s to 14\.0 s/);
  expect(stdout).toMatch(/total {5}12\.0 s to 20\.0 s/);
  expect(stdout).toMatch(/based on 3 verifications of this machine/);
});

test('--plan without any measurement says that nobody knows', async () => {
  const { stdout, exitCode } = await runFake(['restore', POINT, '--plan']);
  expect(stdout).toMatch(/nobody knows how long it takes/);
  expect(exitCode).toBe(0);
});

test('--json gives the result as it is', async () => {
  const { json } = await runFake(['restore', POINT, '--json'], { restore: RESULT, progress });
  expect(json.at(-1)).toMatchObject({ type: 'result', ...RESULT });
});
