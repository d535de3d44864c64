import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import type { RemovalRequest } from '../../../src/platforms/platform.ts';
import { type BackupRuns, note, startBackupRuns } from '../../support/backup-runs.ts';
import { machineFacts } from '../../support/fake-activities.ts';

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
