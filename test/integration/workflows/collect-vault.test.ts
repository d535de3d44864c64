import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BackupClient } from '../../../src/client/index.ts';
import { syncSchedules } from '../../../src/client/schedules.ts';
import { loadConfig } from '../../../src/config/index.ts';
import type { CollectionResult } from '../../../src/contract/results.ts';
import { listPoints, openVersions, systemClock, type Vault, verifyVault } from '../../../src/vault/index.ts';
import { runVaultCli } from '../../support/cli-run.ts';
import { P0, P1, P2 } from '../../support/collection.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { backUp, NEVER } from '../../support/vault-fixture.ts';
import { startVaultLab, type VaultLab } from '../../support/vault-lab.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess, type WorkerProcess } from '../../support/worker-process.ts';

const KEEP_ONE = { retention: { last: 1, timezone: 'UTC' } };
const collect = { restHours: 0, profile: 'keeper' };

let temporal: TestTemporal;
let lab: VaultLab;
let worker: WorkerProcess;
let client: BackupClient;

beforeAll(async () => {
  [temporal, lab] = await Promise.all([
    startTestTemporal(),
    startVaultLab({
      eager: { ...KEEP_ONE, collect: { ...collect, deleteVersions: { profile: 'keeper' } } },
      resting: { ...KEEP_ONE, collect: { ...collect, restHours: 24 } },
      barred: { ...KEEP_ONE, collect: { restHours: 0 } },
      refused: { ...KEEP_ONE, collect: { ...collect, deleteVersions: { profile: 'stranger' } } },
    }),
  ]);
  client = new BackupClient(temporal.client);
  worker = await startWorkerProcess('control', {
    ...lab.env,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  });
});
afterAll(async () => {
  await worker?.end();
  await temporal?.stop();
  await lab?.stop();
});

/** Three points of one machine, each with a block of its own; the newest is all that the rules keep. */
async function filled(name: string): Promise<Vault> {
  const vault = await lab.open(name);
  for (const runId of [P0, P1, P2]) {
    await backUp(vault, { 'vol-1': testVolume(1, new Map([[0, noise(runId)]])) }, { runId });
  }
  return vault;
}

async function collected(vault: string): Promise<CollectionResult> {
  return (await client.collect({ vault })).result();
}

async function keysBelow(vault: Vault, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of vault.store.list(prefix, NEVER)) found.push(key);
  return found;
}

async function expiredPoints(vault: Vault): Promise<string[]> {
  const found: string[] = [];
  for await (const point of listPoints({ vault, signal: NEVER })) {
    if (point.state === 'committed' && point.expired) found.push(point.pointId);
  }
  return found;
}

test('points expire by the rules, their objects are planned, and the schedule removes them when the plan has rested', async () => {
  const vault = await filled('eager');
  const first = await collected('eager');
  expect(first).toMatchObject({ state: 'done', expiry: { kept: 1, expired: 2, pointIds: [P1, P0] } });
  expect(first).toMatchObject({ execution: { gcIds: [] }, plan: { protects: null, problems: [] } });
  expect(await expiredPoints(vault)).toEqual([P0, P1]);
  expect((await keysBelow(vault, `runs/${P0}/`)).length).toBeGreaterThan(3);

  const second = await bySchedule('eager');
  expect(second.execution).toEqual({
    gcIds: [first.plan?.gcId],
    removed: first.plan?.deletes.expired,
    kept: { objects: 0, bytes: 0 },
  });
  // A day must pass before a version may be destroyed: each of the removed objects is younger.
  expect(second.versions).toEqual({ removed: 0, bytes: 0, young: second.execution?.removed.objects, locked: 0 });
  expect([...(await keysBelow(vault, `runs/${P0}/`)), ...(await keysBelow(vault, `runs/${P1}/`))]).toEqual([]);
  const verdict = await verifyVault({ vault, level: 'full', signal: NEVER });
  expect([verdict.verdict, verdict.points.map(({ pointId }) => pointId)]).toEqual(['sound', [P2]]);
});

/** As Temporal's schedule starts it, only now. */
async function bySchedule(vault: string): Promise<CollectionResult> {
  const { config } = await loadConfig();
  const synced = await syncSchedules({ client: temporal.client, config });
  expect(synced).toContainEqual({ scheduleId: `understudy-collect/${vault}`, outcome: 'created', found: 'every 1d' });
  const schedule = temporal.client.schedule.getHandle(`understudy-collect/${vault}`);
  await schedule.trigger();
  const action = await waitFor(async () => (await schedule.describe()).info.recentActions[0]?.action, {
    limitMs: 30_000,
    what: 'the workflow that the schedule starts',
  });
  return temporal.client.workflow.getHandle(action.workflow.workflowId).result();
}

test('versions of what was removed are destroyed by command, under credentials that may, and by no others', async () => {
  const before = await versionsBelow('eager', `runs/${P0}/`);
  expect(before).toBeGreaterThan(6);
  const line = ['vault', 'delete-versions', lab.url('eager'), '--key-file', lab.keyFile, '--older-than', '0', '--json'];
  const refused = await runVaultCli(...line);
  expect([refused.exitCode, JSON.parse(refused.stdout)]).toMatchObject([1, { code: 'AccessDenied' }]);
  expect(refused.stderr).toMatch(/s3:ListBucketVersions and s3:DeleteObjectVersion/);
  expect(await versionsBelow('eager', `runs/${P0}/`)).toBe(before);
  const done = await runVaultCli(...line, '--profile', 'keeper');
  expect([done.exitCode, JSON.parse(done.stdout)]).toMatchObject([0, { ok: true, young: 0, locked: 0 }]);
  expect(await versionsBelow('eager', `runs/${P0}/`)).toBe(0);
  expect(await versionsBelow('eager', `runs/${P2}/`)).toBeGreaterThan(3);
});

async function versionsBelow(name: string, prefix: string): Promise<number> {
  const versions = openVersions(lab.url(name), { clock: systemClock, profile: 'keeper' });
  if (!versions) throw new Error(`${name} keeps no versions`);
  let count = 0;
  for await (const _ of versions.listVersions(prefix, NEVER)) count++;
  return count;
}

test('a plan that has not rested removes nothing, whoever asks', async () => {
  const vault = await filled('resting');
  await collected('resting');
  const again = await collected('resting');
  expect([again.execution?.gcIds, again.expiry?.expired, again.versions]).toEqual([[], 0, undefined]);
  expect((await keysBelow(vault, `runs/${P0}/`)).length).toBeGreaterThan(3);
});

test('a second collection of a vault says that one is under way, and begins nothing', async () => {
  // Nobody works on that queue, so it stays under way.
  const under = await temporal.client.workflow.start('collectVault', {
    workflowId: 'collect/resting',
    taskQueue: 'nobody',
    args: [{ vault: 'resting' }],
  });
  expect(await collected('resting')).toEqual({ vault: 'resting', state: 'already-running' });
  await under.terminate();
});

test("the control worker's own credentials remove nothing, and the failure names the object and what is missing", async () => {
  await filled('barred');
  await collected('barred');
  const failure = await collected('barred').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'AccessDenied', message: expect.stringMatching(/runs\/.*collect\.profile/) });
});

test('who may not destroy versions says so after everything else was done', async () => {
  const vault = await filled('refused');
  await collected('refused');
  const failure = await collected('refused').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'AccessDenied', message: expect.stringMatching(/s3:DeleteObjectVersion/) });
  expect(await keysBelow(vault, `runs/${P0}/`)).toEqual([]);
});

test('what is no name of a vault is answered as a mistake, not as a failure of the vault', async () => {
  const failure = (vault: string) => collected(vault).catch((error: unknown) => error);
  expect(await failure('Main!')).toMatchObject({ code: 'InvalidInput' });
  expect(await failure('elsewhere')).toMatchObject({ code: 'UnknownName', message: expect.stringMatching(/eager/) });
});

test('a collection whose input nobody has checked is sent to the front door', async () => {
  const run = await temporal.client.workflow.start('collectVault', {
    workflowId: 'collect/by-hand',
    taskQueue: 'understudy-control',
    args: [{ vault: 'resting', steps: 'everything' }],
  });
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
});

vi.setConfig({ testTimeout: 120_000 });
