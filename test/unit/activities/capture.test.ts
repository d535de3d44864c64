import { expect, test } from 'vitest';
import { createCaptureActivities } from '../../../src/activities/capture.ts';
import type { Capture, SnapshotFacts } from '../../../src/contract/machine.ts';
import { PlatformError } from '../../../src/errors.ts';
import type { CapturePlatform, CaptureRequest } from '../../../src/platforms/platform.ts';
import { activityEnvironment } from '../../support/activity.ts';

const CAPTURE: Capture = { startTime: '2026-11-23T02:31:07.412Z', snapshots: [] };
const REQUEST: CaptureRequest = {
  run: { runId: 'r', deploymentId: 'd', workflowId: 'w', temporalRunId: 't', sourceId: 'i-1', expiresAt: 'x' },
  volumeIds: ['vol-1'],
};

function platform(changes: Partial<CapturePlatform>): CapturePlatform {
  return {
    findCapture: async () => undefined,
    createCapture: async () => CAPTURE,
    readSnapshots: async (snapshots) => snapshots,
    ...changes,
  };
}

async function capture(changes: Partial<CapturePlatform>): Promise<unknown> {
  const { captureProduction } = createCaptureActivities({ platform: platform(changes) });
  return activityEnvironment().run(captureProduction, REQUEST);
}

test('a capture that an earlier attempt made is adopted: production gets no second one', async () => {
  let created = 0;
  const createCapture = async () => {
    created++;
    return CAPTURE;
  };
  expect(await capture({ findCapture: async () => CAPTURE, createCapture })).toBe(CAPTURE);
  expect(created).toBe(0);
});

test('a lost reply is answered by looking, never by calling again', async () => {
  let created = 0;
  let looks = 0;
  const found = await capture({
    findCapture: async () => (++looks > 1 ? CAPTURE : undefined),
    createCapture: async () => {
      created++;
      throw new PlatformError('PlatformUnreachable', 'socket hang up');
    },
  });
  expect(found).toBe(CAPTURE);
  expect(created).toBe(1);
}, 20_000);

test('a refusal of the platform is not looked behind', async () => {
  let looks = 0;
  const refused = capture({
    findCapture: async () => void looks++,
    createCapture: async () => {
      throw new PlatformError('AccessDenied', 'ec2:CreateSnapshots is denied');
    },
  });
  await expect(refused).rejects.toThrow(/CreateSnapshots is denied/);
  expect(looks).toBe(1);
});

const PENDING: SnapshotFacts = {
  snapshotId: 'snap-1',
  sourceVolumeId: 'vol-1',
  volumeId: 'vol-1',
  bytes: 1,
  state: 'pending',
  percent: 40,
  encrypted: false,
};

test('snapshots of small disks are completed a moment later, within the same attempt', async () => {
  let looks = 0;
  const readSnapshots = async () => [{ ...PENDING, state: ++looks > 2 ? 'completed' : 'pending' } as const];
  const { awaitSnapshots } = createCaptureActivities({ platform: platform({ readSnapshots }) });
  const environment = activityEnvironment({ scheduledTimestampMs: Date.now() });
  expect(await environment.run(awaitSnapshots, { snapshots: [PENDING] })).toMatchObject([{ state: 'completed' }]);
  expect(looks).toBe(3);
});

test('pending snapshots are waited for by quiet retries, which come further and further apart', async () => {
  const { awaitSnapshots } = createCaptureActivities({ platform: platform({}) });
  const after = async (waitedMs: number) => {
    const environment = activityEnvironment({ scheduledTimestampMs: Date.now() - waitedMs });
    return environment.run(awaitSnapshots, { snapshots: [PENDING] }).catch((error: unknown) => error);
  };
  const first = await after(0);
  expect(first).toMatchObject({ type: 'NotReadyYet', message: 'snap-1 40 %', category: 'BENIGN', nonRetryable: false });
  expect(first).toMatchObject({ nextRetryDelay: 500 });
  expect(await after(3_600_000)).toMatchObject({ nextRetryDelay: 60_000 });
});
