import type { CommittedPoint } from '../../../src/cli/point-line.ts';
import type { BackupProgress } from '../../../src/contract/progress.ts';
import type { BackupResult, VerificationResult } from '../../../src/contract/results.ts';

export const INSTANCE = 'i-0123456789abcdef0';
export const POINT_ID = '20261123T023107Z-9f2c01ab';

export const VERIFICATION: VerificationResult = {
  pointId: POINT_ID,
  runId: '20261123T023200Z-00000001',
  verdict: 'green',
  at: '2026-11-23T02:33:00.000Z',
  facts: [{ name: 'postgresql probe', verdict: 'clean', found: '10000 accounts' }],
  failures: [],
  isolation: [],
  restoredBytes: 163_000_000,
  restoreMs: 3100,
  leftovers: [],
};

export const RESULT: BackupResult = {
  pointId: POINT_ID,
  runId: POINT_ID,
  vault: 'main',
  instanceId: INSTANCE,
  pointInTime: '2026-11-23T02:31:07.412Z',
  preflight: [],
  isolation: [],
  consistency: { disks: 'clean-shutdown', agents: {}, facts: [], lowered: [] },
  volumes: [
    {
      volumeId: 'vol-1',
      deviceName: '/dev/xvda',
      volumeBytes: 2 ** 31,
      bytesRead: 163 * 2 ** 20,
      bytesStored: 67 * 2 ** 20,
      blocks: 326,
      holes: 3770,
      bytesReused: 0,
      blocksAudited: 0,
      readAll: 'there is no earlier point',
    },
  ],
  verification: VERIFICATION,
  phases: [],
  leftovers: [],
};

export function progressWith(states: Readonly<Record<string, 'running' | 'done' | 'failed'>>): BackupProgress {
  return {
    runId: POINT_ID,
    phases: Object.entries(states).map(([phase, state]) => ({
      phase: phase as 'capture',
      state,
      startedAt: '2026-11-23T02:31:07.000Z',
      ...(state !== 'running' && { endedAt: '2026-11-23T02:31:07.300Z', summary: `${phase} ${state}` }),
    })),
    volumes: [],
  };
}

export function pointAt(capturedAt: string, change: Partial<CommittedPoint> = {}): CommittedPoint {
  return {
    state: 'committed',
    pointId: POINT_ID,
    vault: 'main',
    instanceId: INSTANCE,
    capturedAt,
    committedAt: capturedAt,
    consistency: { disks: 'clean-shutdown', agents: {} },
    volumeBytes: 2 ** 32,
    storedBytes: 67 * 2 ** 20,
    validation: null,
    ...change,
  };
}
