import { DescribeSnapshotsCommand, type Snapshot, type SnapshotInfo } from '@aws-sdk/client-ec2';
import type { SnapshotFacts } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { isCode } from './errors.ts';
import { MUST_SHOW_WITHIN_MS } from './make.ts';
import { GIB, present } from './narrow.ts';
import { collect } from './pages.ts';
import { repeatUntil } from './repeat.ts';

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

/** Present state of snapshots; SnapshotFailed names the first that is in error, ResourceMissing one that stays away. */
export async function readSnapshots(
  context: Ec2Context,
  snapshots: readonly SnapshotFacts[],
  signal: AbortSignal,
): Promise<readonly SnapshotFacts[]> {
  const ids = snapshots.map(({ snapshotId }) => snapshotId);
  const found = await describeAll(context, ids, signal);
  return snapshots.map((before) => {
    const now = present(found.get(before.snapshotId), 'description', before.snapshotId);
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

async function describeAll(
  context: Ec2Context,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Snapshot>> {
  const what = `snapshots ${ids.join(', ')} to show`;
  let absent: unknown;
  try {
    return await repeatUntil(context, { limitMs: MUST_SHOW_WITHIN_MS, what }, signal, async () => {
      try {
        return await describeOnce(context, ids, signal);
      } catch (error) {
        if (!isCode(error, 'ResourceMissing')) throw error;
        absent = error;
        return undefined;
      }
    });
  } catch (error) {
    throw isCode(error, 'NotReadyYet') ? (absent ?? error) : error;
  }
}

/** Ids and MaxResults exclude each other; the 41 volumes of a machine fit one answer. */
async function describeOnce({ clients }: Ec2Context, ids: readonly string[], signal: AbortSignal) {
  const found = await collect(`DescribeSnapshots ${ids.join(', ')}`, signal, async (NextToken) => {
    const command = new DescribeSnapshotsCommand({ SnapshotIds: [...ids], NextToken });
    const page = await clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Snapshots ?? [], next: page.NextToken };
  });
  const byId = new Map(
    found.flatMap((snapshot): [string, Snapshot][] => (snapshot.SnapshotId ? [[snapshot.SnapshotId, snapshot]] : [])),
  );
  const missing = ids.find((id) => !byId.has(id));
  if (missing === undefined) return byId;
  throw new PlatformError('ResourceMissing', `The snapshot ${missing} is gone.`);
}
