import { ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { syncSchedules } from '../../../src/client/schedules.ts';
import { defineConfig } from '../../../src/config/index.ts';
import { startTestTemporal, type TestTemporal } from '../../support/temporal-server.ts';
import { waitFor } from '../../support/wait-for.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
});
afterAll(() => temporal.stop());
beforeEach(async () => {
  for await (const { scheduleId } of temporal.client.schedule.list()) {
    // The list comes from an index that lags: what it names may be gone.
    await temporal.client.schedule.getHandle(scheduleId).delete().catch(mustBeGone);
  }
});

function mustBeGone(error: unknown): void {
  if (!(error instanceof ScheduleNotFoundError)) throw error;
}

function config(cron: string, ...plans: string[]) {
  return defineConfig({
    vaults: { main: { url: 's3://bucket', kmsKeyId: 'alias/vault' } },
    isolation: {
      sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' },
    },
    plans: Object.fromEntries(
      plans.map((plan) => [plan, { select: { tags: { backup: plan } }, schedule: { cron: [cron] } }]),
    ),
  });
}

async function sync(cron: string, plans: string[], prune = false): Promise<Record<string, string>> {
  const synced = await syncSchedules({ client: temporal.client, config: config(cron, ...plans), prune });
  return Object.fromEntries(synced.map(({ scheduleId, outcome }) => [scheduleId, outcome]));
}

/** Waits for the list of schedules, which lags. */
async function listed(count: number): Promise<void> {
  await waitFor(
    async () => {
      const ids: string[] = [];
      for await (const { scheduleId } of temporal.client.schedule.list()) ids.push(scheduleId);
      return ids.length === count ? ids : undefined;
    },
    { limitMs: 30_000, what: `${count} schedules in the list` },
  );
}

test('plans become schedules once, and only what changed is changed again', async () => {
  expect(await sync('0 2 * * *', ['nightly'])).toEqual({
    'understudy-plan/nightly': 'created',
    'understudy-sweep': 'created',
  });
  expect(await sync('0 2 * * *', ['nightly'])).toEqual({
    'understudy-plan/nightly': 'unchanged',
    'understudy-sweep': 'unchanged',
  });
  expect(await sync('0 3 * * *', ['nightly'])).toEqual({
    'understudy-plan/nightly': 'updated',
    'understudy-sweep': 'unchanged',
  });
  const { spec, policies, action } = await temporal.client.schedule.getHandle('understudy-plan/nightly').describe();
  expect(spec.calendars?.[0]?.hour).toEqual([{ start: 3, end: 3, step: 1 }]);
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 6 * 60 * 60_000, pauseOnFailure: false });
  expect(action).toMatchObject({
    workflowType: 'backupPlan',
    args: [{ plan: 'nightly' }],
    taskQueue: 'understudy-control',
  });
});

test("a person's pause and note outlive a change of the plan", async () => {
  await sync('0 2 * * *', ['nightly']);
  const handle = temporal.client.schedule.getHandle('understudy-plan/nightly');
  await handle.pause('storage moves house');
  await sync('0 4 * * *', ['nightly']);
  expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'storage moves house' });
});

test('the schedule of a plan that is gone is paused, and removed only when asked', async () => {
  await sync('0 2 * * *', ['nightly', 'weekly']);
  await listed(3);
  expect(await sync('0 2 * * *', ['nightly'])).toMatchObject({ 'understudy-plan/weekly': 'paused' });
  expect((await temporal.client.schedule.getHandle('understudy-plan/weekly').describe()).state.paused).toBe(true);
  expect(await sync('0 2 * * *', ['nightly'], true)).toMatchObject({ 'understudy-plan/weekly': 'removed' });
});

test('a plan that comes back runs again, unless a person has paused its schedule', async () => {
  await sync('0 2 * * *', ['nightly', 'weekly']);
  await listed(3);
  const [nightly, weekly] = ['nightly', 'weekly'].map((plan) =>
    temporal.client.schedule.getHandle(`understudy-plan/${plan}`),
  );
  await nightly?.pause('storage moves house');
  await sync('0 2 * * *', []);
  expect(await sync('0 2 * * *', ['nightly', 'weekly'])).toMatchObject({
    'understudy-plan/nightly': 'unchanged',
    'understudy-plan/weekly': 'updated',
  });
  expect((await nightly?.describe())?.state).toMatchObject({ paused: true, note: 'storage moves house' });
  expect((await weekly?.describe())?.state.paused).toBe(false);
});

test("somebody else's schedule is not touched, not even when pruning", async () => {
  await temporal.client.schedule.create({
    scheduleId: 'other-team',
    spec: { intervals: [{ every: '1d' }] },
    action: { type: 'startWorkflow', workflowType: 'other', taskQueue: 'other' },
  });
  await listed(1);
  await sync('0 2 * * *', ['nightly'], true);
  expect((await temporal.client.schedule.getHandle('other-team').describe()).state.paused).toBe(false);
});

test.each(['every night', '61 25 * * *', '0 2 * *', 'CRON_TZ=Mars/Olympus 0 2 * * *'])(
  'a cron text that Temporal cannot read, "%s", is a mistake in the named field',
  async (cron) => {
    await expect(sync(cron, ['nightly'])).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(`plans.nightly.schedule: Temporal cannot read "${cron} UTC": `),
    });
  },
);
