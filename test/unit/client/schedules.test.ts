import { createHash } from 'node:crypto';
import { type Client, ScheduleAlreadyRunning, type ScheduleOptions } from '@temporalio/client';
import { expect, test } from 'vitest';
import { syncSchedules } from '../../../src/client/schedules.ts';
import { defineConfig } from '../../../src/config/index.ts';

const PLAN = 'understudy-plan/nightly';

interface Kept {
  options: ScheduleOptions;
  state: { paused: boolean; note?: string };
}

/** Temporal's schedules as far as the sync uses them. */
function schedules() {
  const kept = new Map<string, Kept>();
  const must = (id: string) => {
    const found = kept.get(id);
    if (!found) throw new Error(`no schedule ${id}`);
    return found;
  };
  const getHandle = (id: string) => ({
    describe: async () => ({ ...must(id).options, state: must(id).state }),
    async pause(note: string) {
      must(id).state = { paused: true, note };
    },
    async update(change: (present: Kept) => Partial<ScheduleOptions> & Pick<Kept, 'state'>) {
      const { state, ...options } = change(must(id));
      kept.set(id, { options: { ...must(id).options, ...options }, state });
    },
  });
  const client = {
    schedule: {
      async create(options: ScheduleOptions) {
        if (kept.has(options.scheduleId)) throw new ScheduleAlreadyRunning('there', options.scheduleId);
        kept.set(options.scheduleId, { options, state: { paused: false } });
      },
      async *list() {
        for (const scheduleId of [...kept.keys()]) yield { scheduleId };
      },
      getHandle,
    },
  } as unknown as Client;
  return { client, must };
}

async function sync(client: Client, ...plans: string[]): Promise<Record<string, string>> {
  const config = defineConfig({
    vaults: { main: { url: 's3://bucket', kmsKeyId: 'alias/vault' } },
    isolation: {
      sealed: { vpcId: 'vpc-1', subnetId: 'subnet-1', verifySubnetId: 'subnet-2', securityGroupId: 'sg-1' },
    },
    plans: Object.fromEntries(
      plans.map((plan) => [plan, { select: { tags: { backup: plan } }, schedule: { cron: ['0 2 * * *'] } }]),
    ),
  });
  const synced = await syncSchedules({ client, config });
  return Object.fromEntries(synced.map(({ scheduleId, outcome }) => [scheduleId, outcome]));
}

test('the schedule of a plan that comes back runs again', async () => {
  const { client, must } = schedules();
  await sync(client, 'nightly');
  expect(await sync(client)).toMatchObject({ [PLAN]: 'paused' });
  expect(must(PLAN).state.paused).toBe(true);
  expect(await sync(client, 'nightly')).toMatchObject({ [PLAN]: 'updated' });
  expect(must(PLAN).state).toEqual({ paused: false });
  expect(await sync(client, 'nightly')).toMatchObject({ [PLAN]: 'unchanged' });
});

test("a person's pause is nobody else's to end, whether or not the plan was gone meanwhile", async () => {
  const { client, must } = schedules();
  await sync(client, 'nightly');
  must(PLAN).state = { paused: true, note: 'storage moves house' };
  await sync(client);
  expect(await sync(client, 'nightly')).toMatchObject({ [PLAN]: 'unchanged' });
  expect(must(PLAN).state).toEqual({ paused: true, note: 'storage moves house' });
});

test('a schedule whose hash does not tell how overlaps are handled is made anew', async () => {
  const { client, must } = schedules();
  await sync(client, 'nightly');
  const { scheduleId, spec, action, policies } = must(PLAN).options;
  const { memo, ...plainAction } = action;
  const hash = createHash('sha256')
    .update(JSON.stringify({ scheduleId, spec, action: plainAction }))
    .digest('hex');
  must(PLAN).options = { scheduleId, spec, action: { ...action, memo: { configHash: hash } } };
  expect(await sync(client, 'nightly')).toMatchObject({ [PLAN]: 'updated' });
  expect(must(PLAN).options).toMatchObject({ policies, action: { memo } });
});
