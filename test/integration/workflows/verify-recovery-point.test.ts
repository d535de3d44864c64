import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import type { RemovalRequest } from '../../../src/platforms/platform.ts';
import { type BackupRuns, newInstanceId, note, startBackupRuns } from '../../support/backup-runs.ts';
import { fakeControl, machineFacts } from '../../support/fake-activities.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

describe.concurrent('a verification', () => {
  test('that a database fails is red: attested, loud, and the capture is not kept', async () => {
    const attested: unknown[] = [];
    const removals: RemovalRequest[] = [];
    const answers = (['detect', 'recovered'] as const).map((step) => ({
      recipe: 'postgresql',
      step,
      ok: step === 'detect',
      facts: { error: 'connection refused' },
    }));
    const failure = await runs.failureOf({
      control: {
        attestPoint: async (request) => void attested.push(request),
        removeRunResources: async (request) => note(removals, request),
      },
      mover: {
        examineProbe: async () => ({
          report: { finished: true, answers },
          console: { name: 'console', verdict: 'clean', found: '' },
          evidence: [],
        }),
      },
    });
    expect(failure.code).toBe('VerificationFailed');
    expect(failure.message).toMatch(/postgresql answers: did not recover \(error connection refused\)/);
    expect(attested).toMatchObject([{ verdict: 'red' }]);
    expect(removals.map(({ done, keepCapture }) => [done, keepCapture])).toEqual([
      [false, false],
      [false, false],
    ]);
  });

  test('of a damaged pack is red and names the object', async () => {
    const attested: unknown[] = [];
    const failure = await runs.failureOf({
      control: { attestPoint: async (request) => void attested.push(request) },
      mover: {
        restoreVolume: async () => {
          throw new VaultError('ObjectDamaged', 'pack 7 block 12: authentication failed');
        },
      },
    });
    expect(failure.code).toBe('VerificationFailed');
    expect(failure.message).toContain('pack 7 block 12');
    expect(attested).toMatchObject([{ verdict: 'red', disks: { verdict: 'not-checked' } }]);
  });

  test('never takes over the run of the point, whatever id its caller gives it', async () => {
    const removals: RemovalRequest[] = [];
    const [pointId, instanceId] = ['20261123T023107Z-0c0c0c0c', newInstanceId()];
    const { readPoint } = fakeControl();
    // Nothing but the point says whose it is.
    runs.workers.use('', {
      control: {
        readPoint: async (request) => ({
          ...(await readPoint(request)),
          ...(request.pointId === pointId && { machine: machineFacts(instanceId) }),
        }),
      },
    });
    runs.workers.use(instanceId, { control: { removeRunResources: async (request) => note(removals, request) } });
    const run = await runs.backups.verify({ pointId }, { requestId: pointId });
    await run.result();
    expect(removals.map(({ run: { runId } }) => runId === pointId)).toEqual([false]);
  });

  test('is as green without a forecast that could not be written', async () => {
    const { verification } = await runs.resultOf({
      mover: {
        recordMeasurement: async () => {
          throw new VaultError('AccessDenied', 'index/measurements takes no writes');
        },
      },
    });
    expect(verification?.verdict).toBe('green');
  });

  test('of a point without disks is refused and says what can be done instead: nothing is attested', async () => {
    const attested: unknown[] = [];
    const failure = await runs.failureOf({
      control: {
        readPoint: async ({ pointId }) => ({
          pointId,
          capturedAt: '2026-11-23T02:31:07.412Z',
          machine: { ...machineFacts('i-source'), volumes: [] },
          disks: 'crash-consistent',
          agents: { postgresql: 'application-consistent' },
          recovered: ['postgresql'],
          storedBytes: 4096,
        }),
        attestPoint: async (request) => void attested.push(request),
      },
    });
    expect(failure.code).toBe('PointHasNoDisks');
    expect(failure.message).toMatch(/understudy files ls .*understudy verify .* --level full/);
    expect(attested).toEqual([]);
  });

  test('whose machine somebody else ends is not red: the run fails and says so', async () => {
    const attested: unknown[] = [];
    const failure = await runs.failureOf({
      control: {
        attestPoint: async (request) => void attested.push(request),
        awaitStopped: async ({ machine }) => ({
          saw: machine.role === 'verify' ? 'terminated' : 'stopped',
          observation: { state: machine.role === 'verify' ? 'terminated' : 'stopped' },
          says: '',
        }),
      },
    });
    expect(failure.code).toBe('MachineLost');
    expect(attested).toEqual([]);
  });

  test('that cannot reach the vault is not red: the run fails with its reason', async () => {
    const attested: unknown[] = [];
    const failure = await runs.failureOf({
      control: { attestPoint: async (request) => void attested.push(request) },
      mover: {
        restoreVolume: async () => {
          throw new VaultError('KeyUnusable', 'the key is disabled');
        },
      },
    });
    expect(failure.code).toBe('KeyUnusable');
    expect(attested).toEqual([]);
  });
});
