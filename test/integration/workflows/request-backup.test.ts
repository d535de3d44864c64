import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BackupRuns, newInstanceId, startBackupRuns } from '../../support/backup-runs.ts';
import type { Fakes } from '../../support/fake-workers.ts';
import { hangs } from '../../support/fake-workers.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

describe.concurrent('a second request for one instance', () => {
  test('fails with BackupAlreadyRunning that names the run', async () => {
    const started = Promise.withResolvers<void>();
    const instanceId = newInstanceId();
    const control: Fakes['control'] = {
      awaitRecovered: hangs(started.resolve),
      describeRunning: async ({ workflowId }) => {
        const { runId, startTime } = await runs.temporal.client.workflow.getHandle(workflowId).describe();
        return { temporalRunId: runId, startedAt: startTime.toISOString() };
      },
    };
    runs.workers.use(instanceId, { control });
    const first = await runs.backups.start({ instanceId });
    await started.promise;
    const second = await runs.backups.start({ instanceId });
    const error = await second.result().catch((thrown: unknown) => thrown);
    const workflowId = `instance-backup/000000000000/local-1/${instanceId}`;
    const { runId } = await runs.temporal.client.workflow.getHandle(workflowId).describe();
    expect(error).toMatchObject({ code: 'BackupAlreadyRunning', context: { workflowId, temporalRunId: runId } });
    await first.cancel();
    await first.result().catch(() => undefined);
  });

  test('with the same request id is the same run', async () => {
    const instanceId = newInstanceId();
    const first = await runs.backups.start({ instanceId, verify: false }, { requestId: instanceId });
    const { pointId } = await first.result();
    const again = await runs.backups.start({ instanceId, verify: false }, { requestId: instanceId });
    expect((await again.result()).pointId).toBe(pointId);
  });
});

describe.concurrent('input typed by hand', () => {
  test.each(['backupInstance', 'archiveVolume'])('to %s is sent to the front door', async (workflowType) => {
    const handle = await runs.temporal.client.workflow.start(workflowType, {
      taskQueue: 'understudy-control',
      workflowId: `typed-${workflowType}`,
      args: [],
    });
    const error = await handle.result().catch((thrown: unknown) => thrown);
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringContaining('start requestBackup instead'),
    });
  });
});
