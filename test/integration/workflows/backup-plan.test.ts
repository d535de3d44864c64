import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanRequest } from '../../../src/contract/backup-request.ts';
import type { ResolvedPlan } from '../../../src/contract/resolved-backup.ts';
import type { PlanResult } from '../../../src/contract/results.ts';
import { PlatformError } from '../../../src/errors.ts';
import { type BackupRuns, newInstanceId, startBackupRuns } from '../../support/backup-runs.ts';
import { machineFacts, NO_BASE } from '../../support/fake-activities.ts';
import { hangs } from '../../support/fake-workers.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

/** Starts a plan that selects these instances; the fakes of the plan itself go by an instance id in its workflow id. */
async function runPlan(instanceIds: readonly string[]): Promise<PlanResult> {
  return (await startPlan(instanceIds)).result();
}

async function startPlan(instanceIds: readonly string[], planOwner = newInstanceId()) {
  const plan: ResolvedPlan = {
    plan: 'nightly',
    instanceIds,
    request: { verify: false },
    atATime: 2,
    searchAttributes: true,
  };
  runs.workers.use(planOwner, { control: { resolvePlan: async () => plan } });
  return runs.temporal.client.workflow.start<(request: PlanRequest) => Promise<PlanResult>>('backupPlan', {
    taskQueue: 'understudy-control',
    workflowId: `plan/${planOwner}`,
    args: [{ plan: 'nightly' }],
  });
}

test('a plan backs up all its instances, never more at a time than it says', async () => {
  const instanceIds = Array.from({ length: 5 }, newInstanceId);
  let now = 0;
  let most = 0;
  for (const instanceId of instanceIds) {
    runs.workers.use(instanceId, {
      control: {
        preflight: async ({ run }) => {
          most = Math.max(most, ++now);
          return { machine: machineFacts(run.sourceId), checks: [], increment: NO_BASE };
        },
        removeRunResources: async () => {
          now--;
          return [];
        },
      },
    });
  }
  const { outcomes } = await runPlan(instanceIds);
  expect(outcomes.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'done']);
  expect(outcomes.map(({ instanceId }) => instanceId).sort()).toEqual([...instanceIds].sort());
  expect(most).toBe(2);
});

test('one instance that fails does not keep the others from their points, and the plan says so', async () => {
  const [good = '', bad = ''] = [newInstanceId(), newInstanceId()];
  runs.workers.use(bad, {
    control: {
      preflight: async () => {
        throw new PlatformError('PreflightRefused', 'instance store: /dev/sdb is not in a capture');
      },
    },
  });
  const error = await runPlan([bad, good]).catch((thrown: unknown) => thrown);
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  expect(cause).toMatchObject({
    type: 'PlanIncomplete',
    message: expect.stringContaining(`${bad} (PreflightRefused)`),
  });
  expect(cause).toMatchObject({
    details: [
      { plan: 'nightly', failed: 1 },
      {
        outcomes: expect.arrayContaining([
          expect.objectContaining({ instanceId: good, state: 'done' }),
          expect.objectContaining({ instanceId: bad, state: 'failed', message: expect.stringContaining('/dev/sdb') }),
        ]),
      },
    ],
  });
});

test("a person who cancels one instance's backup leaves the others of the plan to theirs", async () => {
  const [good = '', cancelled = ''] = [newInstanceId(), newInstanceId()];
  const started = Promise.withResolvers<void>();
  runs.workers.use(cancelled, { control: { preflight: hangs(started.resolve) } });
  const plan = await startPlan([cancelled, good]);
  await started.promise;
  await runs.temporal.client.workflow.getHandle(`${plan.workflowId}/${cancelled}`).cancel();
  const error = await plan.result().catch((thrown: unknown) => thrown);
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  expect(cause).toMatchObject({
    type: 'PlanIncomplete',
    message: expect.stringContaining(`${cancelled} (Cancelled)`),
    details: [{}, { outcomes: expect.arrayContaining([expect.objectContaining({ instanceId: good, state: 'done' })]) }],
  });
});

test('a person who cancels the plan ends it', async () => {
  const instanceId = newInstanceId();
  const started = Promise.withResolvers<void>();
  runs.workers.use(instanceId, { control: { preflight: hangs(started.resolve) } });
  const plan = await startPlan([instanceId]);
  await started.promise;
  await plan.cancel();
  await expect(plan.result()).rejects.toThrow(WorkflowFailedError);
  expect((await plan.describe()).status.name).toBe('CANCELLED');
});

test('a backup that a terminated run of the plan left behind fails by its own name', async () => {
  const [instanceId = '', planOwner = ''] = [newInstanceId(), newInstanceId()];
  const started = Promise.withResolvers<void>();
  runs.workers.use(instanceId, { control: { preflight: hangs(started.resolve) } });
  const left = await runs.temporal.client.workflow.start('requestBackup', {
    taskQueue: 'understudy-control',
    workflowId: `plan/${planOwner}/${instanceId}`,
    args: [{ instanceId }],
  });
  await started.promise;
  const error = await (await startPlan([instanceId], planOwner)).result().catch((thrown: unknown) => thrown);
  await left.cancel();
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  expect(cause).toMatchObject({
    type: 'PlanIncomplete',
    message: expect.stringContaining(`${instanceId} (BackupAlreadyRunning)`),
  });
});
