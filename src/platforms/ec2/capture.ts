import {
  CreateSnapshotsCommand,
  DescribeSnapshotsCommand,
  type Snapshot,
  type SnapshotInfo,
} from '@aws-sdk/client-ec2';
import type { Capture } from '../../contract/machine.ts';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { CaptureRequest } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { make } from './make.ts';
import { present } from './narrow.ts';
import { collect } from './pages.ts';
import { snapshotFacts } from './snapshot-facts.ts';
import { runFilter, runTags, TAG, tagRecord } from './tags.ts';

/** The only call that adds something to production; it stops, changes and reads nothing there. */
export async function createCapture(
  context: Ec2Context,
  { run, vault, volumeIds }: CaptureRequest,
  signal: AbortSignal,
): Promise<Capture> {
  const command = new CreateSnapshotsCommand({
    InstanceSpecification: { InstanceId: run.sourceId },
    Description: `Understudy capture ${run.runId}`,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: runTags(run, 'capture', { vault }) }],
  });
  const answer = await make(context, `CreateSnapshots of ${run.sourceId}`, signal, () =>
    context.clients.ec2Once.send(command),
  );
  const snapshots = answer.Snapshots ?? [];
  mustHoldExactly(snapshots, volumeIds, run);
  return captureOf(snapshots);
}

/** Of several sets, which a lost reply can leave, the earliest complete one counts; clean-up removes the others. */
export async function findCapture(
  { clients }: Ec2Context,
  run: Run,
  volumeIds: readonly string[],
  signal: AbortSignal,
): Promise<Capture | undefined> {
  const snapshots = await collect('DescribeSnapshots', signal, async (NextToken) => {
    const command = new DescribeSnapshotsCommand({
      OwnerIds: ['self'],
      Filters: runFilter(run, 'capture'),
      MaxResults: 200,
      NextToken,
    });
    const page = await clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Snapshots ?? [], next: page.NextToken };
  });
  const ours = snapshots.filter(({ Tags }) => tagRecord(Tags)[TAG.run] === run.runId);
  const complete = captureSets(ours).find((set) =>
    volumeIds.every((id) => set.some(({ VolumeId }) => VolumeId === id)),
  );
  if (!complete) return undefined;
  mustHoldExactly(complete, volumeIds, run);
  return captureOf(complete);
}

/** Snapshots of one request share their StartTime (API_SnapshotInfo). Earliest first, failed sets left out. */
export function captureSets(snapshots: readonly Snapshot[]): readonly (readonly Snapshot[])[] {
  const sets = new Map<number, Snapshot[]>();
  for (const snapshot of snapshots) {
    const startedAt = present(snapshot.StartTime, 'StartTime', snapshot.SnapshotId ?? 'a snapshot').getTime();
    sets.set(startedAt, [...(sets.get(startedAt) ?? []), snapshot]);
  }
  return [...sets]
    .sort(([a], [b]) => a - b)
    .map(([, set]) => set)
    .filter((set) => set.every(({ State }) => State === 'pending' || State === 'completed'));
}

function captureOf(snapshots: readonly (Snapshot | SnapshotInfo)[]): Capture {
  const startTime = present(snapshots[0]?.StartTime, 'StartTime', 'the capture').toISOString();
  return { startTime, snapshots: snapshots.map((snapshot) => snapshotFacts(snapshot)) };
}

function mustHoldExactly(
  snapshots: readonly (Snapshot | SnapshotInfo)[],
  volumeIds: readonly string[],
  run: Run,
): void {
  const captured = snapshots.map(({ VolumeId }) => VolumeId);
  const missing = volumeIds.filter((id) => !captured.includes(id));
  const added = captured.filter((id) => id !== undefined && !volumeIds.includes(id));
  const times = new Set(snapshots.map(({ StartTime }) => StartTime?.getTime()));
  if (missing.length === 0 && added.length === 0 && times.size === 1) return;
  const found = [
    ...(missing.length > 0 ? [`missing ${missing.join(', ')}`] : []),
    ...(added.length > 0 ? [`in addition ${added.join(', ')}`] : []),
    ...(times.size === 1 ? [] : [`${times.size} different start times`]),
  ].join('; ');
  throw new PlatformError(
    'CaptureFailed',
    `The capture of ${run.sourceId} does not hold the volumes that preflight saw: ${found}. Were volumes attached or detached just now? Start the backup again.`,
  );
}
