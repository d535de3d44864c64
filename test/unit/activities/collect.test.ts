import { expect, test, vi } from 'vitest';
import { createCollectActivities } from '../../../src/activities/collect.ts';
import type { RunStatus } from '../../../src/activities/judge-run.ts';
import { defineConfig } from '../../../src/config/index.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { type CollectedVault, collectedVault, P0, P1, P2 } from '../../support/collection.ts';

vi.setConfig({ testTimeout: 120_000 });

const config = defineConfig({
  vaults: { main: { url: 's3://bucket', kmsKeyId: 'alias/vault', retention: { last: 1 } } },
  isolation: { sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' } },
});

function activities({ control }: CollectedVault, status: RunStatus) {
  const made = createCollectActivities({
    config,
    vaults: { names: ['main'], open: async () => control },
    collectedVaults: { names: ['main'], open: async () => control },
    openVersions: () => undefined,
    toolVersion: 'test',
    now: () => control.clock.now().getTime(),
    runStatus: async () => status,
  });
  const request = { vault: 'main' };
  return {
    expire: () => activityEnvironment().run(made.expirePoints, request),
    execute: () => activityEnvironment().run(made.executeCollections, request),
    plan: (): ReturnType<typeof made.planCollection> => activityEnvironment().run(made.planCollection, request),
  };
}

test('what the rules do not keep expires, is planned, and is gone after a day of rest', async () => {
  const vault = await collectedVault();
  for (const pointId of [P0, P1, P2]) await vault.back(pointId);
  const { expire, execute, plan } = activities(vault, 'running');
  expect(await expire()).toEqual({ kept: 1, expired: 2, pointIds: [P1, P0] });
  expect(await expire()).toMatchObject({ expired: 0 });
  expect(await execute()).toMatchObject({ gcIds: [] });
  const planned = await plan();
  expect(planned).toMatchObject({ fenced: 0, problems: [], protects: null });
  expect(await execute()).toMatchObject({ gcIds: [] });
  vault.pass(1);
  const done = await execute();
  expect(done).toEqual({ gcIds: [planned.gcId], removed: planned.deletes.expired, kept: { objects: 0, bytes: 0 } });
  expect(await execute()).toMatchObject({ gcIds: [] });
});

test.each([
  { status: 'over', days: 0, fenced: 1 },
  { status: 'running', days: 100, fenced: 0 },
  { status: 'unknown', days: 6, fenced: 0 },
  { status: 'unknown', days: 8, fenced: 1 },
] as const)('a run without a point whose workflow is $status after $days days: $fenced fenced', async (run) => {
  const vault = await collectedVault();
  await vault.begin(P0);
  vault.pass(run.days);
  expect(await activities(vault, run.status).plan()).toMatchObject({ fenced: run.fenced });
});
