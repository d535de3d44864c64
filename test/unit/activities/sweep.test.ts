import { expect, test } from 'vitest';
import { createSweepActivities, type SweepDeps } from '../../../src/activities/sweep.ts';
import type { Leftover, SweepResult } from '../../../src/contract/results.ts';
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
  readonly found?: readonly RunResources[];
  readonly remove?: (request: RemovalRequest) => Promise<readonly Leftover[]>;
  readonly runStatus?: SweepDeps['runStatus'];
  readonly findKeptCaptures?: SweepDeps['findKeptCaptures'];
}

async function sweep({
  found = [FOUND],
  remove = async () => [],
  runStatus = async () => 'over',
  findKeptCaptures = async () => undefined,
}: Sweeping) {
  const removals: RemovalRequest[] = [];
  const { sweepDeployment } = createSweepActivities({
    platform: {
      findRuns: async (deploymentId) => (deploymentId === DEPLOYMENT ? found : []),
      removeRunResources: async (request) => {
        removals.push(request);
        return remove(request);
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
  const capture = { kind: 'snapshot', id: 'snap-1', role: 'capture', retained: false } as const;
  let isOver = false;
  const { runs, removals } = await sweep({
    found: [{ ...FOUND, resources: [capture] }],
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
  const { removals } = await sweep({ found: [{ ...FOUND, resources: [restored, snapshot] }] });
  expect(removals).toMatchObject([{ keepRestored: true }]);
});

test('a machine that does not end holds up its own run only', async () => {
  const others = ['2', '3', '4'].map((n) => ({
    ...FOUND,
    run: { ...FOUND.run, runId: FOUND.run.runId.slice(0, -1) + n },
  }));
  const stuck: Leftover = { kind: 'instance', id: 'i-clone', reason: 'still shutting-down' };
  const { promise: othersAreGone, resolve } = Promise.withResolvers<void>();
  let gone = 0;
  const { runs, leftovers } = await sweep({
    found: [FOUND, ...others],
    async remove({ run }) {
      if (run.runId === FOUND.run.runId) {
        await othersAreGone;
        return [stuck];
      }
      if (++gone === others.length) resolve();
      return [];
    },
  });
  expect(runs.map(({ runId }) => runId)).toEqual([FOUND, ...others].map(({ run }) => run.runId));
  expect(leftovers).toEqual([stuck]);
});
