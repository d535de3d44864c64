import { expect, test } from 'vitest';
import { createSweepActivities, type SweepDeps } from '../../../src/activities/sweep.ts';
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

interface Sweeping {
  readonly found?: RunResources;
  readonly runStatus?: SweepDeps['runStatus'];
  readonly findKeptCaptures?: SweepDeps['findKeptCaptures'];
}

async function sweep({
  found = FOUND,
  runStatus = async () => 'over',
  findKeptCaptures = async () => undefined,
}: Sweeping) {
  const removals: RemovalRequest[] = [];
  const { sweepDeployment } = createSweepActivities({
    platform: {
      findRuns: async (deploymentId) => (deploymentId === DEPLOYMENT ? [found] : []),
      removeRunResources: async (request) => {
        removals.push(request);
        return [];
      },
    },
    deploymentId: DEPLOYMENT,
    now: () => Date.parse(FOUND.run.expiresAt),
    runStatus,
    findKeptCaptures,
  });
  const { runs, leftovers }: SweepResult = await activityEnvironment().run(sweepDeployment);
  return { runs, leftovers, removals };
}

test('what a terminated run left goes, also what it made so late that it does not show yet', async () => {
  const { runs, leftovers, removals } = await sweep({});
  expect(runs).toMatchObject([{ runId: FOUND.run.runId, decision: 'removed' }]);
  expect(leftovers).toEqual([]);
  // The worker that was at work when the run was terminated may just have sent its last request.
  expect(removals).toMatchObject([{ run: FOUND.run, done: false, keepCapture: false, replacedCaptures: 'keep' }]);
});

test('a backup that commits while the sweep reads the vaults keeps its capture', async () => {
  const found = {
    ...FOUND,
    resources: [{ kind: 'snapshot', id: 'snap-1', role: 'capture', retained: false }],
  } as const;
  let isOver = false;
  const { runs, removals } = await sweep({
    found,
    runStatus: async () => (isOver ? 'over' : 'running'),
    // The vault was listed before the point was there.
    findKeptCaptures: async () => {
      isOver = true;
      return { keeps: () => false };
    },
  });
  expect(runs).toMatchObject([{ decision: 'kept' }]);
  expect(removals).toEqual([]);
});

test('machines and volumes that were given to people are not for the sweep, whatever it finds beside them', async () => {
  const restored = { kind: 'instance', id: 'i-restored', role: 'restored', retained: false } as const;
  const snapshot = { kind: 'snapshot', id: 'snap-1', role: 'restored', retained: false } as const;
  const { removals } = await sweep({ found: { ...FOUND, resources: [restored, snapshot] } });
  expect(removals).toMatchObject([{ keepRestored: true }]);
});
