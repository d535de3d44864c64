import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Run } from '../../../src/contract/run.ts';
import type { RemovalRequest } from '../../../src/platforms/platform.ts';
import { type BackupRuns, startBackupRuns } from '../../support/backup-runs.ts';
import type { Fakes } from '../../support/fake-workers.ts';
import { hangs } from '../../support/fake-workers.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

describe.concurrent('a person who cancels', () => {
  const STEPS = [
    ['control', 'preflight'],
    ['control', 'captureProduction'],
    ['control', 'awaitSnapshots'],
    ['control', 'prepareScratch'],
    ['control', 'launchMachine'],
    ['control', 'awaitRecovered'],
    ['control', 'awaitStopped'],
    ['control', 'snapshotStopped'],
    ['mover', 'examineClone'],
    ['mover', 'recordChanges'],
    ['mover', 'archiveShard'],
    ['mover', 'finishVolume'],
    ['mover', 'confirmFacts'],
    ['mover', 'commitPoint'],
    ['control', 'readPoint'],
    ['mover', 'restoreVolume'],
    ['mover', 'examineProbe'],
    ['control', 'attestPoint'],
  ] as const;
  const VERIFYING = new Set<string>(['readPoint', 'restoreVolume', 'examineProbe', 'attestPoint']);

  test.each(STEPS)(
    'during %s.%s gets everything removed that the run made, once that step has ended',
    async (role, step) => {
      const removed: Run[] = [];
      const kept: boolean[] = [];
      const tooEarly: Run[] = [];
      const started = Promise.withResolvers<void>();
      let hasEnded = false;
      const owner = VERIFYING.has(step) ? 'verify' : 'instance-backup';
      const removeRunResources = async ({ run, keepCapture }: RemovalRequest) => {
        removed.push(run);
        kept.push(keepCapture);
        if (!hasEnded && ownerOf(run) === owner) tooEarly.push(run);
        return [];
      };
      const hang = hangs(started.resolve);
      const hanging = {
        [step]: () =>
          hang().finally(() => {
            hasEnded = true;
          }),
      };
      const fakes: Fakes = {
        control: { removeRunResources, ...(role === 'control' && hanging) },
        mover: role === 'mover' ? hanging : {},
      };
      const run = await runs.begin(fakes);
      await started.promise;
      await run.cancel();
      await expect(run.result()).rejects.toThrow(WorkflowFailedError);
      const { status } = await runs.temporal.client.workflow.getHandle(run.workflowId).describe();
      expect(status.name).toBe('CANCELLED');
      // readPoint comes before the verification's own run exists in the account, but its clean-up is not skipped for that.
      const owners = new Set(removed.map(ownerOf));
      expect(owners.has('instance-backup')).toBe(true);
      if (VERIFYING.has(step) && step !== 'readPoint') expect(owners.has('verify')).toBe(true);
      expect(kept.every((keep) => !keep)).toBe(true);
      expect(tooEarly).toEqual([]);
    },
  );

  test('while the files are listed has a point all the same, which says why it has no list', async () => {
    const started = Promise.withResolvers<void>();
    const run = await runs.begin({ mover: { indexFiles: hangs(started.resolve) } });
    await started.promise;
    await run.cancel();
    const { fileIndex, leftovers } = await run.result();
    expect(fileIndex).toEqual({ code: 'Cancelled', message: 'it was cancelled' });
    expect(leftovers).toEqual([]);
  });

  test('one part of a run ends the run, and nobody is told that it took too long', async () => {
    const started = Promise.withResolvers<string>();
    const hanging = hangs(() => undefined);
    const run = await runs.begin({
      mover: {
        restoreVolume: async (order) => {
          started.resolve(order.run.workflowId);
          return hanging();
        },
      },
    });
    await runs.temporal.client.workflow.getHandle(await started.promise).cancel();
    await expect(run.result()).rejects.toMatchObject({ code: 'Cancelled' });
  });

  test('one who ends a part by force reads that and who cleans up, not that a step took too long', async () => {
    const started = Promise.withResolvers<string>();
    const hanging = hangs(() => undefined);
    const run = await runs.begin({
      control: {
        awaitRecovered: async (order) => {
          started.resolve(order.run.workflowId);
          return hanging();
        },
      },
    });
    await runs.temporal.client.workflow.getHandle(await started.promise).terminate('by hand');
    await expect(run.result()).rejects.toMatchObject({
      code: 'Terminated',
      message: 'backupInstance: it was terminated by force; the sweeper removes what it left',
    });
  });
});

/** Which workflow's resources they are. */
function ownerOf({ workflowId }: Run): string | undefined {
  return workflowId.split('/')[0];
}
