import { expect, test } from 'vitest';
import { createPreflightActivities, type PreflightDeps } from '../../../src/activities/preflight.ts';
import type { ResolvedBackup } from '../../../src/contract/resolved-backup.ts';
import { VaultError } from '../../../src/errors.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { machineFacts } from '../../support/fake-activities.ts';

const run = { runId: 'r', deploymentId: 'd', workflowId: 'w', temporalRunId: 't', sourceId: 'i-1', expiresAt: 'x' };
const backup = { vault: 'main', verify: false, accept: [], isolation: {} } as unknown as ResolvedBackup;

/** Preflight of a sound machine, `triedForMs` after it was first asked for. */
function preflight(failure: VaultError, triedForMs: number): Promise<unknown> {
  const deps = {
    platform: {
      describeMachine: async (machineId: string) => machineFacts(machineId),
      preflight: async () => [],
      proveIsolation: async () => [],
    },
    vaults: { names: ['main'], open: () => Promise.reject(failure) },
    now: () => triedForMs,
    toolVersion: '0',
  } as unknown as PreflightDeps;
  const activities = createPreflightActivities(deps);
  return activityEnvironment({ scheduledTimestampMs: 0 }).run(activities.preflight, { run, backup });
}

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
