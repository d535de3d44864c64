import { ChildWorkflowCancellationType, executeChild, ParentClosePolicy } from '@temporalio/workflow';
import type { ArchivedWithChanges, VolumeBase, VolumeOrder } from '../activities/archive.ts';
import type { Increment } from '../activities/increment.ts';
import type { Capture, MachineFacts, SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { Phase, VolumeProgress } from '../contract/progress.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { archiveVolumeWorkflowId } from '../contract/workflow-ids.ts';
import { archiveVolume } from './archive-volume.ts';
import { failure } from './failures.ts';
import type { HarvestPlan } from './plan-harvest.ts';
import { planShardSegments } from './plan-shards.ts';
import type { QuietClone } from './quiesce-clone.ts';
import { together } from './together.ts';
import type { PhaseTracker } from './track-phases.ts';

export interface ArchiveOrder {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly machine: MachineFacts;
  readonly capture: Capture;
  readonly end: QuietClone;
  readonly increment: Increment;
  /** Where agents ran. */
  readonly harvest: HarvestPlan | undefined;
  readonly phases: PhaseTracker<Phase>;
}

/** One child per volume, side by side. */
export async function archiveVolumes(order: ArchiveOrder): Promise<readonly ArchivedWithChanges[]> {
  const { phases } = order;
  const orders = volumeOrders(order);
  const progress = new Map<string, VolumeProgress>(
    orders
      .map(({ volume }) => volume)
      .map(({ volumeId, bytes }) => [volumeId, { volumeId, bytesTotal: bytes, bytesRead: 0, bytesStored: 0 }]),
  );
  phases.volumes([...progress.values()]);
  return together(
    orders.map((volumeOrder) => async () => {
      const { volumeId, bytes } = volumeOrder.volume;
      const archived = await archiveOne(volumeOrder);
      const { bytesRead, bytesStored } = archived;
      progress.set(volumeId, { volumeId, bytesTotal: bytes, bytesRead, bytesStored });
      phases.volumes([...progress.values()]);
      return archived;
    }),
  );
}

/** The machine's disks, where they are wanted, and what agents wrote. */
function volumeOrders({
  run,
  backup,
  machine,
  capture,
  end,
  increment,
  harvest,
}: ArchiveOrder): readonly VolumeOrder[] {
  const common = ({ bytes }: VolumeFacts) => ({
    run,
    vault: backup.vault,
    shardSegments: planShardSegments(bytes, backup.limits.shardSegments),
  });
  const { disks, scratch } = end.snapshots;
  const volumes = backup.outputOnly ? [] : machine.volumes;
  return [
    ...volumes.map((volume) => ({
      ...common(volume),
      volume,
      capture: snapshotOf(volume.volumeId, capture.snapshots),
      snapshot: snapshotOf(volume.volumeId, disks),
      base: baseOf(volume.volumeId, increment),
      readAll: increment.readAll,
    })),
    ...(harvest ? [{ ...common(harvest.volume), ...outputOrder(harvest, scratch) }] : []),
  ];
}

/** Made anew by each run: nothing earlier says which of its blocks changed. */
function outputOrder({ volume, fromByte }: HarvestPlan, scratch: SnapshotFacts) {
  return { volume, fromByte, capture: scratch, snapshot: scratch, base: null, readAll: "agents' output is read whole" };
}

function archiveOne(order: VolumeOrder): Promise<ArchivedWithChanges> {
  return executeChild(archiveVolume, {
    workflowId: archiveVolumeWorkflowId(order.run.runId, order.volume.volumeId),
    args: [order],
    staticSummary: `Archive of ${order.volume.volumeId}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

function baseOf(volumeId: string, { base }: Increment): VolumeBase | null {
  const volume = base?.volumes.find((one) => one.volumeId === volumeId);
  return base && volume ? { ...volume, pointId: base.pointId, pointsByHints: base.pointsByHints } : null;
}

function snapshotOf(volumeId: string, snapshots: readonly SnapshotFacts[]): SnapshotFacts {
  const found = snapshots.find(({ sourceVolumeId }) => sourceVolumeId === volumeId);
  if (found) return found;
  throw failure('PlatformAnswerIncomplete', `no snapshot of volume ${volumeId} among ${snapshots.length}`, {
    volumeId,
  });
}
