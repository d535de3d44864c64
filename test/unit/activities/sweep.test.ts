import { expect, test } from 'vitest';
import { createSweepActivities } from '../../../src/activities/sweep.ts';
import type { SweepResult } from '../../../src/contract/results.ts';
import type { RemovalRequest, RunResources } from '../../../src/platforms/platform.ts';
import { activityEnvironment } from '../../support/activity.ts';

const DEPLOYMENT = 'd';
const FOUND: RunResources = {
  run: {
    runId: '20261123T023107Z-9f2c01ab',
    deploymentId: DEPLOYMENT,
    workflowId: 'w',
    temporalRunId: 't',
    sourceId: 'i-1',
    expiresAt: '2026-11-24T00:00:00.000Z',
  },
  resources: [{ kind: 'instance', id: 'i-clone', role: 'clone', retained: false }],
};

test('what a terminated run left goes, also what it made so late that it does not show yet', async () => {
  const removals: RemovalRequest[] = [];
  const { sweepDeployment } = createSweepActivities({
    platform: {
      findRuns: async (deploymentId) => (deploymentId === DEPLOYMENT ? [FOUND] : []),
      removeRunResources: async (request) => {
        removals.push(request);
        return [];
      },
    },
    deploymentId: DEPLOYMENT,
    now: () => Date.parse(FOUND.run.expiresAt),
    runStatus: async () => 'over',
    findKeptCaptures: async () => undefined,
  });
  const { runs, leftovers }: SweepResult = await activityEnvironment().run(sweepDeployment);
  expect(runs).toMatchObject([{ runId: FOUND.run.runId, decision: 'removed' }]);
  expect(leftovers).toEqual([]);
  // The worker that was at work when the run was terminated may just have sent its last request.
  expect(removals).toMatchObject([{ run: FOUND.run, done: false, keepCapture: false, replacedCaptures: 'keep' }]);
});
