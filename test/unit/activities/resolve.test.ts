import { describe, expect, test } from 'vitest';
import { createResolveActivities, type ResolveDeps } from '../../../src/activities/resolve.ts';
import { defineConfig } from '../../../src/config/index.ts';
import { findRecipe } from '../../../src/recipes/registry.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { machineFacts } from '../../support/fake-activities.ts';

const INSTANCE = 'i-0123456789abcdef0';
const OUTPUT_ONLY = { instanceId: INSTANCE, method: 'application-agent', disks: false };
const CONFIG = {
  vaults: { main: { url: 's3://bucket', kmsKeyId: 'alias/vault' } },
  isolation: { sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' } },
};
const config = defineConfig({
  ...CONFIG,
  plans: {
    nightly: { select: { instanceIds: [INSTANCE], tags: { backup: 'nightly' } }, schedule: { cron: ['0 2 * * *'] } },
  },
});
const deps = {
  config,
  deploymentId: '6f1b2c9e-0000-4000-8000-000000000001',
  platform: {
    describeMachine: async (machineId: string) => machineFacts(machineId),
    selectMachines: async () => [INSTANCE, 'i-0aaaaaaaaaaaaaaa0'],
  },
  hasSearchAttributes: async () => false,
  findRecipe,
  describeWorkflow: async () => undefined,
} as unknown as ResolveDeps;
const activities = createResolveActivities(deps);

function resolve(input?: unknown): Promise<unknown> {
  return activityEnvironment().run(activities.resolveRequest, input);
}

describe('a request typed by hand', () => {
  test('needs nothing but the instance', async () => {
    expect(await resolve({ instanceId: INSTANCE })).toMatchObject({
      accountId: '000000000000',
      region: 'local-1',
      atLeast: 'clean-shutdown',
      verify: true,
      vault: 'main',
      isolation: { name: 'sealed', verifySubnetId: 'subnet-2' },
      recipes: [{ name: 'postgresql' }, { name: 'redis' }],
      searchAttributes: false,
    });
  });

  test.each([
    { verify: undefined, resolved: 'full' },
    { verify: true, resolved: 'full' },
    { verify: 'sample', resolved: 'sample' },
    { verify: false, resolved: false },
  ])('without disks is looked at as deeply as can be without a machine: $verify is $resolved', async (row) => {
    const { verify, resolved } = row;
    expect(await resolve({ ...OUTPUT_ONLY, verify })).toMatchObject({ outputOnly: true, verify: resolved });
  });

  test.each([
    { input: undefined, says: /there is no input.*for example \{"instanceId": "i-/ },
    { input: { instanceId: 'web-1' }, says: /must look like i-0123456789abcdef0.*instanceId/ },
    { input: { instanceId: INSTANCE, verfy: true }, says: /verfy/ },
    { input: [{ instanceId: INSTANCE }], says: /expected object/ },
    { input: { instanceId: INSTANCE, atLeast: 'application-consistent' }, says: /atLeast/ },
    {
      input: { instanceId: INSTANCE, vault: 'other' },
      says: /vault: "other" is not in the configuration \(defined: main\)/,
    },
    { input: { instanceId: INSTANCE, method: 'application-agent', recipes: [] }, says: /needs a recipe with an agent/ },
    { input: { instanceId: INSTANCE, disks: false }, says: /disks: false .*needs the method "application-agent"/ },
    { input: { ...OUTPUT_ONLY, verify: 'launch' }, says: /disks: false .*no machine to launch.*"verify": "full"/ },
    { input: { ...OUTPUT_ONLY, retain: { snapshots: true } }, says: /disks: false .*no snapshots of disks to retain/ },
  ])('that is wrong comes back with the field named: $says', async ({ input, says }) => {
    await expect(resolve(input)).rejects.toThrow(says);
  });
});

test('a plan selects the named and the tagged instances, each once', async () => {
  const plan = await activityEnvironment().run(activities.resolvePlan, { plan: 'nightly' });
  expect(plan).toMatchObject({ instanceIds: [INSTANCE, 'i-0aaaaaaaaaaaaaaa0'], atATime: 4 });
});

test.each([
  { selected: 5000, refused: false },
  { selected: 5001, refused: true },
])('a plan of $selected instances is refused as too many for one history: $refused', async ({ selected, refused }) => {
  const instanceIds = Array.from({ length: selected }, (_, index) => `i-${index.toString(16).padStart(17, '0')}`);
  const many = { ...deps, platform: { ...deps.platform, selectMachines: async () => instanceIds } };
  const nightly = { select: { tags: { backup: 'nightly' } }, schedule: { cron: ['0 2 * * *'] } };
  const onlyTagged = defineConfig({ ...CONFIG, plans: { nightly } });
  const { resolvePlan } = createResolveActivities({ ...many, config: onlyTagged });
  const resolving = activityEnvironment().run(resolvePlan, { plan: 'nightly' });
  if (refused) await expect(resolving).rejects.toThrow(/plan nightly selects 5001 instances.*split it/);
  else expect(await resolving).toMatchObject({ instanceIds });
});
