import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunFailed } from '../../../src/client/index.ts';
import type { DrillCandidate, DrillResult } from '../../../src/contract/drill.ts';
import { VaultError } from '../../../src/errors.ts';
import { type BackupRuns, startBackupRuns } from '../../support/backup-runs.ts';
import { fakeControl } from '../../support/fake-activities.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

const candidate = (pointId: string, expectedMs: number | null): DrillCandidate => ({
  pointId,
  instanceId: 'i-a',
  provenAt: null,
  expectedMs,
});

/** The fakes know a drill by its workflow id, which names no machine: what is set for no instance is for drills. */
function drillOf(candidates: readonly DrillCandidate[], fakes: Parameters<BackupRuns['workers']['use']>[1] = {}) {
  runs.workers.use('', { ...fakes, control: { pickDrill: async () => candidates, ...fakes.control } });
  return runs.backups.drill({ budget: '1m' });
}

test('points are proven one after another; one that does not fit the time is left and said', async () => {
  const run = await drillOf([
    candidate('20261123T000000Z-00000001', null),
    candidate('20261123T000000Z-00000002', 9e9),
  ]);
  const { outcomes } = await run.result();
  expect(outcomes.map(({ state }) => state)).toEqual(['green', 'no-time']);
  expect(outcomes[0]?.restoredBytes).toBeGreaterThan(0);
});

test('a point that expired while others were proven is passed over: a collection may have removed it already', async () => {
  const asked: string[] = [];
  const run = await drillOf([candidate('20261123T000000Z-00000005', 1), candidate('20261123T000000Z-00000006', 1)], {
    control: {
      hasExpired: async ({ pointId }) => pointId.endsWith('6'),
      readPoint: async ({ vault, pointId }) => {
        asked.push(pointId);
        return fakeControl().readPoint({ vault, pointId });
      },
    },
  });
  const { outcomes } = await run.result();
  expect(outcomes.map(({ state }) => state)).toEqual(['green', 'expired']);
  expect(asked).toEqual(['20261123T000000Z-00000005']);
});

test('a red point fails the drill loudly, and the others are proven all the same', async () => {
  let calls = 0;
  const run = await drillOf([candidate('20261123T000000Z-00000003', null), candidate('20261123T000000Z-00000004', 1)], {
    control: {
      readPoint: async ({ vault, pointId }) => {
        if (calls++ === 0) throw new VaultError('ObjectMissing', `points/${pointId}.json is gone`);
        return fakeControl().readPoint({ vault, pointId });
      },
    },
  });
  const failure: unknown = await run.result().catch((error: unknown) => error);
  if (!(failure instanceof RunFailed)) throw new Error('the drill must fail', { cause: failure });
  expect(failure.code).toBe('DrillFailed');
  const { drill } = failure.details.find((one) => typeof one === 'object' && one !== null && 'drill' in one) as {
    drill: DrillResult;
  };
  expect(drill.outcomes.map(({ state }) => state)).toEqual(['red', 'green']);
  expect(drill.outcomes[0]?.message).toContain('is gone');
});
