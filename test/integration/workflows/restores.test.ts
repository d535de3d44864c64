import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MeasureRequest } from '../../../src/activities/measure.ts';
import type { RestoreOrder } from '../../../src/activities/restore.ts';
import { RunFailed } from '../../../src/client/index.ts';
import type { RestoreRequest } from '../../../src/contract/restore-request.ts';
import { PlatformError, VaultError } from '../../../src/errors.ts';
import type { RemovalRequest } from '../../../src/platforms/platform.ts';
import { type BackupRuns, newInstanceId, note, startBackupRuns } from '../../support/backup-runs.ts';
import { machineFacts, writtenSnapshot } from '../../support/fake-activities.ts';
import { type Fakes, hangs } from '../../support/fake-workers.ts';

let runs: BackupRuns;
beforeAll(async () => {
  runs = await startBackupRuns();
});
afterAll(() => runs.stop());

/** A point of its own machine, by which the fakes know whose test it is. */
function newPoint(fakes: (removals: RemovalRequest[]) => Fakes) {
  const removals: RemovalRequest[] = [];
  const instanceId = newInstanceId();
  const pointId = `20261123T023107Z-${instanceId.slice(-8)}`;
  const { control, mover } = fakes(removals);
  // Its workflow id names the point; the runs that ask for it know the machine.
  runs.workers.use(pointId, {
    control: {
      readPoint: async () => ({
        pointId,
        capturedAt: '2026-11-23T02:31:07.412Z',
        machine: machineFacts(instanceId),
        disks: 'clean-shutdown',
        agents: {},
        recovered: [],
        storedBytes: 4096,
      }),
      removeRunResources: async (removal) => note(removals, removal),
      ...control,
    },
    ...(mover && { mover }),
  });
  return { pointId, removals, instanceId };
}

async function begin(fakes: (removals: RemovalRequest[]) => Fakes, request: Partial<RestoreRequest> = {}) {
  const point = newPoint(fakes);
  return { run: await runs.backups.restore({ pointId: point.pointId, ...request }), ...point };
}

async function beginTable(fakes: Fakes) {
  const point = newPoint(() => fakes);
  const request = { pointId: point.pointId, database: 'bank', table: 'accounts' };
  return { run: await runs.backups.restoreTable(request), ...point };
}

describe.concurrent('a restore', () => {
  test('to a machine restores all volumes as `restored`, keeps what it made, and records what it took', async () => {
    const restored: RestoreOrder[] = [];
    const measured: MeasureRequest[] = [];
    const { run, removals, instanceId } = await begin(() => ({
      mover: {
        restoreVolume: async (order) => {
          restored.push(order);
          return { snapshot: writtenSnapshot(order.volume), bytesWritten: 4096 };
        },
        recordMeasurement: async (request) => void measured.push(request),
      },
    }));
    const result = await run.result();
    expect(result).toMatchObject({ to: 'instance', into: 'sealed', machine: { machineId: 'i-restored' }, volumes: [] });
    expect(restored.map(({ role, volume }) => [role, volume.volumeId]).sort()).toEqual([
      ['restored', 'vol-0a'],
      ['restored', 'vol-0b'],
    ]);
    expect(removals).toMatchObject([{ done: true, keepRestored: true, run: { sourceId: instanceId } }]);
    expect(measured).toMatchObject([{ kind: 'instance', machineId: instanceId, bytes: 8192 }]);
    expect(measured[0]?.phases.map(({ phase }) => phase)).toEqual(['read', 'check', 'restore', 'create']);
    expect(result.phases.map(({ state }) => state)).toEqual(Array(6).fill('done'));
  });

  test('is not given up for a forecast that could not be written, and says so', async () => {
    const { run, removals } = await begin(() => ({
      mover: {
        recordMeasurement: async () => {
          throw new VaultError('AccessDenied', 'index/measurements takes no writes');
        },
      },
    }));
    const { machine, phases } = await run.result();
    expect(machine?.machineId).toBe('i-restored');
    expect(removals).toMatchObject([{ done: true, keepRestored: true }]);
    expect(phases.find(({ phase }) => phase === 'record')).toMatchObject({
      state: 'done',
      summary: expect.stringContaining('index/measurements takes no writes'),
    });
  });

  test('of which one volume fails removes what it made only when the others have ended', async () => {
    const order: string[] = [];
    const otherStarted = Promise.withResolvers<void>();
    const { run } = await begin((removals) => ({
      control: {
        removeRunResources: async (removal) => {
          order.push('removal');
          return note(removals, removal);
        },
      },
      mover: {
        restoreVolume: async ({ volume: { volumeId } }) => {
          if (volumeId === 'vol-0b')
            return hangs(otherStarted.resolve)().finally(() => {
              order.push('the other ends');
            });
          await otherStarted.promise;
          throw new VaultError('ObjectDamaged', 'pack 7 is damaged');
        },
      },
    }));
    await expect(run.result()).rejects.toMatchObject({ code: 'ObjectDamaged' });
    expect(order).toEqual(['the other ends', 'removal']);
  });

  test('to volumes makes one of each, and no machine', async () => {
    const { run } = await begin(
      () => ({
        control: {
          launchRestored: async () => {
            throw new PlatformError('PlatformRefused', 'nobody asked for a machine');
          },
        },
      }),
      { to: 'volumes' },
    );
    const { volumes, machine, isolation } = await run.result();
    expect(volumes.map(({ sourceVolumeId, volumeId }) => [sourceVolumeId, volumeId])).toEqual([
      ['vol-0a', 'vol-0a-new'],
      ['vol-0b', 'vol-0b-new'],
    ]);
    expect({ machine, isolation }).toEqual({ machine: undefined, isolation: [] });
  });

  test('that fails removes what it made, and says in which phase', async () => {
    const { run, removals } = await begin(() => ({
      control: {
        launchRestored: async () => {
          throw new PlatformError('IsolationBroken', 'groups sg-open');
        },
      },
    }));
    const failure = await run.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailed);
    expect(failure).toMatchObject({
      code: 'IsolationBroken',
      message: expect.stringMatching(/^create: groups sg-open/),
    });
    expect(removals).toMatchObject([{ done: false, keepRestored: false }]);
  });

  test('into a network that is not isolated is refused before a byte is read', async () => {
    const restored: RestoreOrder[] = [];
    const { run } = await begin(() => ({
      control: {
        checkRestore: async () => {
          throw new PlatformError('PreflightRefused', '- subnet-routes: 0.0.0.0/0');
        },
      },
      mover: {
        restoreVolume: async (order) => {
          restored.push(order);
          return { snapshot: writtenSnapshot(order.volume), bytesWritten: 0 };
        },
      },
    }));
    await expect(run.result()).rejects.toMatchObject({ code: 'PreflightRefused' });
    expect(restored).toEqual([]);
  });

  test('that is cancelled removes what it made', async () => {
    const started = Promise.withResolvers<void>();
    const { run, removals } = await begin(() => ({ mover: { restoreVolume: hangs(started.resolve) } }));
    await started.promise;
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(removals).toMatchObject([{ done: false, keepRestored: false }]);
  });
});

describe.concurrent('a table', () => {
  test('is taken out, and nothing of the way there stays', async () => {
    const { run, removals, instanceId } = await beginTable({});
    expect(await run.result()).toMatchObject({ recipe: 'postgresql', leftovers: [] });
    expect(removals).toMatchObject([{ done: true, keepCapture: false, run: { sourceId: instanceId } }]);
  });

  test('that cannot be taken out leaves nothing either, also of what does not show yet', async () => {
    const sealExtract = async () => {
      throw new PlatformError('PlatformRefused', 'the scratch volume is gone');
    };
    const { run, removals } = await beginTable({ mover: { sealExtract } });
    await expect(run.result()).rejects.toThrow(/^extract: the scratch volume is gone/);
    expect(removals).toMatchObject([{ done: false }]);
  });
});
