import type { Check } from '../contract/check.ts';
import type { MachineFacts, RestoredMachine, RestoredVolume, SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { RestorePlace } from '../contract/resolved-restore.ts';
import type { RestoreTarget } from '../contract/restore-request.ts';
import type { Run } from '../contract/run.ts';
import { guestText } from '../disk/guest-text.ts';
import { ConfigurationError, PlatformError } from '../errors.ts';
import type { InventoryPlatform, RestorePlatform } from '../platforms/platform.ts';
import { encodeQuietUserData } from '../recipes/boot/user-data.ts';
import { beating } from './beating.ts';

export interface RestoreMachineDeps {
  readonly platform: InventoryPlatform & RestorePlatform;
}

export interface RestoreCheckRequest {
  readonly run: Run;
  readonly to: RestoreTarget;
  readonly place: RestorePlace;
}

export interface VolumesOrder {
  readonly run: Run;
  readonly place: RestorePlace;
  /** Where the source was. */
  readonly sourceZone: string;
  readonly volumes: readonly VolumeFacts[];
  /** By source volume id. */
  readonly snapshots: readonly SnapshotFacts[];
}

export interface RestoredLaunchOrder {
  readonly run: Run;
  readonly place: RestorePlace;
  readonly like: MachineFacts;
  readonly snapshots: readonly SnapshotFacts[];
}

export interface LaunchedForPeople {
  readonly machine: RestoredMachine;
  /** Empty in a named network: of that nothing is claimed. */
  readonly isolation: readonly Check[];
}

export function createRestoreMachineActivities({ platform }: RestoreMachineDeps) {
  async function prove(order: RestoreCheckRequest, machineId: string | undefined, signal: AbortSignal) {
    if (order.to === 'volumes' || order.place.kind === 'named') return { checks: [], broken: [] };
    const { isolation } = order.place;
    const request = {
      isolation,
      sourceId: order.run.sourceId,
      role: 'verify',
      ...(machineId && { machineId }),
    } as const;
    const checks = await platform.proveIsolation(request, signal);
    return { checks, broken: checks.filter(({ verdict }) => verdict === 'broken' || verdict === 'not-checked') };
  }

  return {
    /** Before anything is paid for: the isolated network is isolated. */
    async checkRestore(request: RestoreCheckRequest): Promise<readonly Check[]> {
      return beating(async ({ signal }) => {
        const { checks, broken } = await prove(request, undefined, signal);
        if (broken.length === 0) return checks;
        throw new PlatformError(
          'PreflightRefused',
          `a machine of ${request.run.sourceId} cannot be restored into this network (${broken.length} reasons):\n${broken.map(describeBroken).join('\n')}`,
          { context: { instanceId: request.run.sourceId, reasons: broken.length } },
        );
      });
    },

    /** One new volume per source volume, in one zone. */
    async createVolumes({
      run,
      place,
      sourceZone,
      volumes,
      snapshots,
    }: VolumesOrder): Promise<readonly RestoredVolume[]> {
      const zone = (place.kind === 'named' ? place.profile.zone : undefined) ?? sourceZone;
      if (!zone) {
        throw new ConfigurationError(
          'InvalidInput',
          'the point does not say in which zone its machine was; name a profile of restores with a zone ("into")',
        );
      }
      return beating(async ({ signal, progress }) => {
        const made: RestoredVolume[] = [];
        // One after another: creating takes a second, and a token each makes a retry find what is there.
        for (const volume of volumes) {
          const snapshot = snapshotOf(volume.volumeId, snapshots);
          made.push(await platform.createVolume({ run, volume, snapshot, zone }, signal));
          progress({ volumes: made.length });
        }
        return made;
      });
    },

    /** Launches, or adopts what an earlier attempt launched; in the isolated network the running machine is proven to reach nothing. */
    async launchRestored({ run, place, like, snapshots }: RestoredLaunchOrder): Promise<LaunchedForPeople> {
      return beating(async ({ signal }) => {
        const userData = encodeQuietUserData();
        const machine = await platform.launchRestored({ run, like, snapshots, place, userData }, signal);
        const { checks, broken } = await prove({ run, to: 'instance', place }, machine.machineId, signal);
        if (broken.length === 0) return { machine, isolation: checks };
        throw new PlatformError(
          'IsolationBroken',
          `the restored machine ${machine.machineId} is not isolated:\n${broken.map(describeBroken).join('\n')}\nIt is being removed`,
          { context: { machineId: machine.machineId, runId: run.runId } },
        );
      });
    },
  };
}

function snapshotOf(volumeId: string, snapshots: readonly SnapshotFacts[]): SnapshotFacts {
  const found = snapshots.find(({ sourceVolumeId }) => sourceVolumeId === volumeId);
  if (found) return found;
  throw new RangeError(`volume ${volumeId} was not restored`);
}

function describeBroken({ name, found, remedy }: Check): string {
  return `- ${name}: ${guestText(found)}${remedy ? `. ${guestText(remedy)}` : ''}`;
}
