import { expect, test } from 'vitest';
import {
  createPreflightActivities,
  type PreflightDeps,
  type PreflightRequest,
} from '../../../src/activities/preflight.ts';
import type { Check } from '../../../src/contract/check.ts';
import type { ResolvedBackup } from '../../../src/contract/resolved-backup.ts';
import { VaultError } from '../../../src/errors.ts';
import type { Vault } from '../../../src/vault/index.ts';
import { openRun } from '../../../src/vault/run.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { LIMITS, machineFacts, VOLUMES } from '../../support/fake-activities.ts';
import { NEVER, RUN_ID, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';

const run = { runId: 'r', deploymentId: 'd', workflowId: 'w', temporalRunId: 't', sourceId: 'i-1', expiresAt: 'x' };
const backup = { vault: 'main', verify: false, accept: [], isolation: {} } as unknown as ResolvedBackup;

/** Preflight of a sound machine, but for what the platform's own checks say. */
function preflightWith(
  open: () => Promise<Vault>,
  asked: PreflightRequest,
  { triedForMs = 0, checks = [] }: { readonly triedForMs?: number; readonly checks?: readonly Check[] } = {},
): Promise<unknown> {
  const deps = {
    platform: {
      describeMachine: async (machineId: string) => machineFacts(machineId),
      preflight: async () => checks,
      proveIsolation: async () => [],
    },
    vaults: { names: ['main'], open },
    now: () => triedForMs,
    toolVersion: '0',
  } as unknown as PreflightDeps;
  const activities = createPreflightActivities(deps);
  return activityEnvironment({ scheduledTimestampMs: 0 }).run(activities.preflight, asked);
}

/** `triedForMs` after it was first asked for. */
function preflight(failure: VaultError, triedForMs: number): Promise<unknown> {
  return preflightWith(() => Promise.reject(failure), { run, backup }, { triedForMs });
}

test.each([
  { of: 'a machine', changes: {}, promised: [...VOLUMES] },
  { of: "agents' output alone", changes: { outputOnly: true as const, limits: LIMITS }, promised: ['agent-output'] },
])('the session of a backup of $of promises what its point must hold to be whole', async ({ changes, promised }) => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const asked = { run: { ...run, runId: RUN_ID, sourceId: 'i-0123456789abcdef0' }, backup: { ...backup, ...changes } };
  await preflightWith(async () => vault, asked);
  const { session } = await openRun(vault, RUN_ID, NEVER);
  expect(session.volumes.map(({ volumeId }) => volumeId)).toEqual(promised);
});

const unreachable = new VaultError('VaultUnreachable', 's3://bucket: connect ECONNREFUSED');

test.each([
  { triedForMs: 29_999, ends: 'VaultUnreachable' },
  { triedForMs: 30_000, ends: 'PreflightRefused' },
])('a vault that has not answered for $triedForMs ms ends the attempt with $ends', async ({ triedForMs, ends }) => {
  await expect(preflight(unreachable, triedForMs)).rejects.toMatchObject({
    code: ends,
    message: expect.stringContaining('connect ECONNREFUSED'),
  });
});

test('what the vault refuses is never called unreachable, however late', async () => {
  const denied = new VaultError('AccessDenied', 'vault.json may not be read');
  await expect(preflight(denied, 60_000)).rejects.toBe(denied);
});

test('of two broken keys both are told, each once', async () => {
  const key = (id: string): Check => ({ name: 'volume-keys', verdict: 'broken', found: `the key ${id} is Disabled` });
  const checks = [key('k-1'), { name: 'volume-keys', verdict: 'holds', found: 'k-2' } as const, key('k-3'), key('k-1')];
  const refused = preflightWith(() => Promise.reject(new Error('not asked')), { run, backup }, { checks });
  await expect(refused).rejects.toMatchObject({
    code: 'PreflightRefused',
    message: expect.stringMatching(
      /2 reasons.*\n- volume-keys: the key k-1 is Disabled\n- volume-keys: the key k-3 is/,
    ),
  });
});
