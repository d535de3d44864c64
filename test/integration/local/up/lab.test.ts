import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCloud } from '../../../../local/cloud/start.ts';
import { cloudDir } from '../../../../local/up/lab-servers.ts';
import { LabStatus } from '../../../../local/up/lab-status.ts';
import { processesNaming } from '../../../support/left-behind.ts';

const LIMIT_MS = 400_000;
const folder = mkdtempSync(join(tmpdir(), 'understudy-lab-'));

function local(command: string, ...args: string[]) {
  const line = ['local/main.ts', command, '--state', folder, ...args];
  return spawnSync(process.execPath, line, { encoding: 'utf8', timeout: LIMIT_MS });
}

function readStatus() {
  return LabStatus.parse(JSON.parse(local('status', '--json').stdout));
}

beforeAll(() => {
  const up = local('up');
  if (up.status !== 0) throw new Error(`up failed:\n${up.stderr}`);
}, LIMIT_MS);

afterAll(() => {
  local('down');
  rmSync(folder, { recursive: true, force: true });
}, LIMIT_MS);

test('status is what other tools rely on, and the same in the file as on standard output', () => {
  const status = readStatus();
  expect(status.state).toBe('up');
  expect(status.production.volumeIds).toHaveLength(2);
  expect(JSON.parse(readFileSync(join(folder, 'status.json'), 'utf8'))).toEqual(status);
});

test("production's bank answers through the port that status names", async () => {
  const [{ host, port, user, database }] = readStatus().production.applications;
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  const { rows } = await client.query('select count(*)::int as accounts, sum(balance)::text as balance from accounts');
  await client.end();
  expect(rows).toEqual([{ accounts: 10_000, balance: '10000000' }]);
});

test('the product runs against the lab from its sources: the vault is there and holds no points', () => {
  const points = local('understudy', 'points', '--json');
  expect(points.stderr).toBe('');
  expect(JSON.parse(points.stdout)).toEqual({ type: 'result', ok: true, points: 0 });
});

test(
  'up again changes nothing, even after the cloud was killed',
  async () => {
    const before = readStatus();
    await findCloud(cloudDir(folder))?.stop('SIGKILL');
    expect(readStatus().state).toBe('partial');
    const again = local('up');
    expect(again.status, again.stderr).toBe(0);
    expect(readStatus()).toEqual(before);
  },
  LIMIT_MS,
);

test(
  'down leaves no process and says so; env then tells what to type',
  async () => {
    expect((await processesNaming(folder)).length).toBeGreaterThan(3);
    const down = local('down');
    expect(down.status, down.stderr).toBe(0);
    expect(await processesNaming(folder)).toEqual([]);
    expect(readStatus().state).toBe('down');
    const env = local('env');
    expect(env.status).toBe(1);
    expect(env.stderr).toContain('npm run --silent local -- up');
  },
  LIMIT_MS,
);
