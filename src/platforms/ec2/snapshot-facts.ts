import { DescribeSnapshotsCommand, type Snapshot, type SnapshotInfo } from '@aws-sdk/client-ec2';
import type { SnapshotFacts } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { GIB, present } from './narrow.ts';
import { collect } from './pages.ts';

/** `sourceVolumeId`: of production, where the snapshot is of a clone's volume. */
export function snapshotFacts(snapshot: Snapshot | SnapshotInfo, sourceVolumeId?: string): SnapshotFacts {
  const snapshotId = present(snapshot.SnapshotId, 'SnapshotId', 'a snapshot');
  const volumeId = present(snapshot.VolumeId, 'VolumeId', snapshotId);
  return {
    snapshotId,
    volumeId,
    sourceVolumeId: sourceVolumeId ?? volumeId,
    bytes: present(snapshot.VolumeSize, 'VolumeSize', snapshotId) * GIB,
    state: stateOf(snapshot),
    percent: Number.parseInt(snapshot.Progress ?? '', 10) || 0,
    encrypted: snapshot.Encrypted ?? false,
  };
}

/** `recoverable` and `recovering` are Recycle Bin states: for a run they are as good as deleted. */
function stateOf({ State }: Snapshot | SnapshotInfo): SnapshotFacts['state'] {
  return State === 'completed' || State === 'pending' ? State : 'error';
}

/** Present state of snapshots; SnapshotFailed names the first that is in error. */
export async function readSnapshots(
  { clients }: Ec2Context,
  snapshots: readonly SnapshotFacts[],
  signal: AbortSignal,
): Promise<readonly SnapshotFacts[]> {
  const ids = snapshots.map(({ snapshotId }) => snapshotId);
  const found = await collect(`DescribeSnapshots ${ids.join(', ')}`, signal, async (NextToken) => {
    // Ids and MaxResults exclude each other; up to 40 volumes fit one answer.
    const page = await clients.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: ids, NextToken }), {
      abortSignal: signal,
    });
    return { items: page.Snapshots ?? [], next: page.NextToken };
  });
  return snapshots.map((before) => {
    const now = found.find(({ SnapshotId }) => SnapshotId === before.snapshotId);
    if (!now) throw new PlatformError('ResourceMissing', `The snapshot ${before.snapshotId} is gone.`);
    const facts = { ...before, state: stateOf(now), percent: Number.parseInt(now.Progress ?? '', 10) || 0 };
    if (facts.state === 'error') {
      throw new PlatformError(
        'SnapshotFailed',
        `The snapshot ${before.snapshotId} ended in ${now.State}: ${now.StateMessage ?? 'no reason given'}. Check the volume's KMS key.`,
        { context: { snapshotId: before.snapshotId, volumeId: before.volumeId } },
      );
    }
    return facts;
  });
}
