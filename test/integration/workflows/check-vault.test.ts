import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BackupClient, type CheckRequest } from '../../../src/client/index.ts';
import { syncSchedules } from '../../../src/client/schedules.ts';
import { loadConfig } from '../../../src/config/index.ts';
import type { CheckResult } from '../../../src/contract/results.ts';
import { attest, findParents, listAttestations, standingAttestation, type Vault } from '../../../src/vault/index.ts';
import { P0, P1 } from '../../support/collection.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { testAttestation } from '../../support/vault-attestation.ts';
import { backUp, CONTROL, NEVER } from '../../support/vault-fixture.ts';
import { startVaultLab, type VaultLab } from '../../support/vault-lab.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess, type WorkerProcess } from '../../support/worker-process.ts';

vi.setConfig({ testTimeout: 120_000 });

const MACHINE = 'i-0123456789abcdef0';
let temporal: TestTemporal;
let lab: VaultLab;
let workers: WorkerProcess[];
let client: BackupClient;

beforeAll(async () => {
  [temporal, lab] = await Promise.all([
    startTestTemporal(),
    startVaultLab({ main: { check: { structure: '1d', full: '30d' } }, marked: {} }),
  ]);
  client = new BackupClient(temporal.client);
  const env = { ...lab.env, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace };
  workers = await Promise.all([startWorkerProcess('control', env), startWorkerProcess('mover', env)]);
});
afterAll(async () => {
  await Promise.all((workers ?? []).map((worker) => worker.end()));
  await temporal?.stop();
  await lab?.stop();
});

/** Two points of one machine that share nothing. */
async function filled(name: string): Promise<Vault> {
  const vault = await lab.open(name);
  for (const runId of [P0, P1]) {
    await backUp(vault, { 'vol-1': testVolume(2, new Map([[0, noise(runId)]])) }, { runId });
  }
  return vault;
}

async function checked(request: CheckRequest): Promise<CheckResult> {
  return (await client.check(request)).result();
}

async function attestationsOf(vault: Vault, pointId: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { level, verdict } of listAttestations({ vault, pointId, signal: NEVER })) {
    found.push(`${level ?? 'launch'} ${verdict}`);
  }
  return found;
}

async function packOf(vault: Vault, runId: string): Promise<string> {
  for await (const { key } of vault.store.list(`runs/${runId}/packs/`, NEVER)) return key;
  throw new Error(`${runId} has no pack`);
}

test('a damaged pack is found by the level that reads it: its point is marked red and never built on until it is whole', async () => {
  const vault = await filled('main');
  const parents = async () => (await findParents({ vault, machineId: MACHINE, signal: NEVER })).parents;
  const sound = await bySchedule('main', 'structure');
  expect(sound).toMatchObject({ verdict: 'green', level: 'structure', points: 2, packs: 2, blocksRead: 0, damage: 0 });
  // A daily look writes nothing about points that are as they were.
  expect(await attestationsOf(vault, P1)).toEqual([]);
  expect(await parents()).toEqual([P1, P0]);

  const pack = await packOf(vault, P1);
  const mend = await lab.damage('main', pack);
  expect((await checked({ vault: 'main', level: 'structure' })).verdict).toBe('green');
  const failure = await checked({ vault: 'main', level: 'full' }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'VerificationFailed', message: expect.stringContaining(P1) });
  expect(String((failure as Error).message)).toContain(pack);
  expect(await attestationsOf(vault, P1)).toEqual(['full failed']);
  expect(await attestationsOf(vault, P0)).toEqual([]);
  expect(await parents()).toEqual([P0]);

  // Looking less deeply changes nothing; reading everything again does.
  await mend();
  await checked({ vault: 'main', level: 'structure' });
  expect(await parents()).toEqual([P0]);
  // Attestations follow one another in the order of their runs' ids, which know seconds.
  await wait(1_000);
  await checked({ vault: 'main', level: 'full' });
  expect(await attestationsOf(vault, P1)).toEqual(['full failed', 'full passed']);
  expect(await parents()).toEqual([P1, P0]);
});

/** As Temporal's schedule starts it, only now. */
async function bySchedule(vault: string, level: string): Promise<CheckResult> {
  const { config } = await loadConfig();
  const synced = await syncSchedules({ client: temporal.client, config });
  expect(synced).toMatchObject([
    { scheduleId: 'understudy-check/main/structure', found: 'every 1d' },
    { scheduleId: 'understudy-check/main/full', found: 'every 30d' },
    { scheduleId: 'understudy-sweep' },
  ]);
  const schedule = temporal.client.schedule.getHandle(`understudy-check/${vault}/${level}`);
  await schedule.trigger();
  const action = await waitFor(async () => (await schedule.describe()).info.recentActions[0]?.action, {
    limitMs: 30_000,
    what: 'the workflow that the schedule starts',
  });
  return temporal.client.workflow.getHandle(action.workflow.workflowId).result();
}

test('a point that is asked for is marked green, and a launch that was red stays what counts', async () => {
  const vault = await filled('marked');
  const control = await lab.open('marked', { roles: CONTROL });
  await attest({
    vault: control,
    attestation: testAttestation(P0, '20261124T000000Z-0000000d', 'failed'),
    signal: NEVER,
  });
  const found = await checked({ vault: 'marked', level: 'sample', pointIds: [P0, P1] });
  expect([found.verdict, found.points, found.packsRead]).toEqual(['green', 2, 2]);
  expect(await attestationsOf(vault, P1)).toEqual(['sample passed']);
  expect(await attestationsOf(vault, P0)).toEqual(['launch failed', 'sample passed']);
  const standing = await standingAttestation({ vault, pointId: P0, signal: NEVER });
  expect([standing?.verdict, standing?.level]).toEqual(['failed', undefined]);
});

test('what nobody can look at is answered as what it is', async () => {
  const codeOf = (request: CheckRequest) => checked(request).catch(({ code }: { code: string }) => code);
  expect(await codeOf({ vault: 'elsewhere' })).toBe('UnknownName');
  expect(await codeOf({ vault: 'marked', level: 'deep' as never })).toBe('InvalidInput');
  expect(await codeOf({ vault: 'marked', pointIds: ['20261101T000000Z-000000ff'] })).toBe('PointMissing');
});
