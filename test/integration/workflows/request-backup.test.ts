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

  test('with the same request id and another instance is a mistake, not the point of the first', async () => {
    const requestId = newInstanceId();
    await runs.backups.start({ instanceId: requestId, verify: false }, { requestId });
    const other = newInstanceId();
    await expect(runs.backups.start({ instanceId: other }, { requestId })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: `this requestId was used for another request ("Backup of ${requestId}"); take a new one for "Backup of ${other}"`,
    });
  });

  test('needs an id that is one, and a run that there is', async () => {
    const instanceId = newInstanceId();
    await expect(runs.backups.start({ instanceId }, { requestId: '' })).rejects.toMatchObject({ code: 'InvalidInput' });
    const unknown = runs.backups.find('nobody-asked');
    const refused = { code: 'InvalidInput', message: expect.stringContaining('backup-request/nobody-asked') };
    await expect(unknown.result()).rejects.toMatchObject(refused);
    await expect(unknown.progress()).rejects.toMatchObject(refused);
    await expect(unknown.cancel()).rejects.toMatchObject(refused);
  });
});

describe.concurrent('input typed by hand', () => {
  /** What the workflow failed with; one that cannot even refuse its input never ends. */
  async function refusalOf(type: string, args: readonly unknown[]): Promise<ApplicationFailure> {
    const handle = await runs.temporal.client.workflow.start(type, {
      taskQueue: 'understudy-control',
      workflowId: `typed-${type}-${JSON.stringify(args)}`,
      args: [...args],
    });
    const error = await handle.result().catch((thrown: unknown) => thrown);
    if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
    throw new Error(`ended with ${JSON.stringify(error)}`, { cause: error });
  }

  test.each([
    { type: 'backupInstance', frontDoor: 'requestBackup' },
    { type: 'archiveVolume', frontDoor: 'requestBackup' },
    { type: 'collectVault', frontDoor: 'expireRecoveryPoints' },
  ])('to $type is sent to the front door', async ({ type, frontDoor }) => {
    const refusal = await refusalOf(type, []);
    expect(refusal.type).toBe('InvalidInput');
    expect(refusal.message).toContain(`start ${frontDoor} instead`);
  });

  test.each([
    {
      type: 'expireRecoveryPoints',
      args: [],
      says: /^expireRecoveryPoints: there is no input\. .* \{"vault": "main"\}$/,
    },
    { type: 'expireRecoveryPoints', args: [{ vault: 5 }], says: /^expireRecoveryPoints: .*expected string.* at vault/ },
    { type: 'sweepLeftovers', args: [{ only: 'run-1' }], says: /^sweepLeftovers: .*"only"/ },
    { type: 'sweepLeftovers', args: ['everything'], says: /^sweepLeftovers: .*expected object/ },
  ])('to $type as $args is refused in one sentence', async ({ type, args, says }) => {
    const refusal = await refusalOf(type, args);
    expect(refusal.type).toBe('InvalidInput');
    expect(refusal.message).toMatch(says);
  });
});
