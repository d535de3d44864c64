import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFake } from './fake-deps.ts';
import { pointAt } from './samples.ts';

const NEWEST = pointAt('2026-11-23T02:31:07.412Z', { pointId: '20261123T023107Z-00000009' });
const POINTS = [{ ...NEWEST, state: 'expired' as const, pointId: '20261124T023107Z-00000001' }, NEWEST];
const OUT = join(tmpdir(), 'no such folder', 'accounts.sql');

test.each([
  ['restore', 'latest', '--detach'],
  ['restore', 'table', 'latest', 'bank.accounts', '--from', 'disks', '--out', OUT],
  ['verify', 'latest'],
  ['verify', 'latest', '--level', 'full'],
  ['files', 'get', 'latest:/', '--workflow', 'restored'],
])('%s %s %s … is about the newest point that has not expired', async (...args) => {
  const { requests } = await runFake(args, { points: POINTS });
  // First the points are opened, then the work is asked for.
  expect(requests).toHaveLength(2);
  expect(JSON.stringify(requests[1])).toContain(NEWEST.pointId);
});

test('with --machine it is the newest one of that machine', async () => {
  const later = pointAt('2026-11-25T02:31:07.412Z', { pointId: '20261125T023107Z-00000002', instanceId: 'i-other' });
  const named = ['verify', 'latest', '--machine', NEWEST.instanceId];
  const { requests } = await runFake(named, { points: [later, ...POINTS] });
  expect(JSON.stringify(requests[1])).toContain(NEWEST.pointId);
});

test('a newer point that cannot be read is passed over, and told', async () => {
  const damaged = {
    state: 'invalid',
    pointId: '20261126T023107Z-00000003',
    vault: 'main',
    reason: 'mac differs',
  } as const;
  const older = { ...damaged, pointId: '20261101T023107Z-00000004' };
  const { stderr, requests } = await runFake(['verify', 'latest'], { points: [damaged, ...POINTS, older] });
  expect(JSON.stringify(requests[1])).toContain(NEWEST.pointId);
  expect(stderr).toContain(`passed over  ${damaged.pointId} is newer and cannot be read: mac differs`);
  expect(stderr).not.toContain(older.pointId);
});

test('without any point it is said whose there is none of, and nothing is started', async () => {
  const { exitCode, stderr, requests } = await runFake(['restore', 'latest', '--machine', 'i-1'], { points: [] });
  expect({ exitCode, requests }).toEqual({ exitCode: 1, requests: [{ vault: undefined }] });
  expect(stderr).toContain('there is no recovery point of i-1 yet');
});
