import { ChildWorkflowCancellationType, executeChild, ParentClosePolicy } from '@temporalio/workflow';
import type { ArchivedWithChanges, VolumeBase, VolumeOrder } from '../activities/archive.ts';
import type { Increment } from '../activities/increment.ts';
import type { Capture, MachineFacts, SnapshotFacts } from '../contract/machine.ts';
import type { Phase, VolumeProgress } from '../contract/progress.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { archiveVolumeWorkflowId } from '../contract/workflow-ids.ts';
import { archiveVolume } from './archive-volume.ts';
import { failure } from './failures.ts';
import type { QuietClone } from './quiesce-clone.ts';
import type { PhaseTracker } from './track-phases.ts';

export interface ArchiveOrder {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly machine: MachineFacts;
  readonly capture: Capture;
  readonly end: QuietClone;
  readonly increment: Increment;
  readonly phases: PhaseTracker<Phase>;
}

/** One child per volume, side by side. */
export async function archiveVolumes(order: ArchiveOrder): Promise<readonly ArchivedWithChanges[]> {
  const { run, backup, machine, phases } = order;
  const progress = new Map<string, VolumeProgress>(
    machine.volumes.map(({ volumeId, bytes }) => [
      volumeId,
      { volumeId, bytesTotal: bytes, bytesRead: 0, bytesStored: 0 },
    ]),
  );
  phases.volumes([...progress.values()]);
  return Promise.all(
    machine.volumes.map(async (volume) => {
      const { volumeId, bytes } = volume;
      const archived = await archiveOne({
        run,
        vault: backup.vault,
        volume,
        capture: snapshotOf(volumeId, order.capture.snapshots),
        snapshot: snapshotOf(volumeId, order.end.snapshots.disks),
        shardSegments: backup.limits.shardSegments,
        base: baseOf(volumeId, order.increment),
        readAll: order.increment.readAll,
      });
      const { bytesRead, bytesStored } = archived;
      progress.set(volumeId, { volumeId, bytesTotal: bytes, bytesRead, bytesStored });
      phases.volumes([...progress.values()]);
      return archived;
    }),
  );
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
