import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Tag,
} from '@aws-sdk/client-ec2';
import type { Run } from '../../contract/run.ts';
import type { RunResource, RunResources } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import type { ResourceKind } from './owned.ts';
import { collect } from './pages.ts';
import { filterBy, runOfTags, TAG, tagRecord } from './tags.ts';

interface Found {
  readonly kind: ResourceKind;
  readonly id: string | undefined;
  readonly tags: readonly Tag[] | undefined;
}

/** Every resource of the deployment whose tags tell its run, grouped by run: what the sweeper judges. */
export async function findRuns(
  context: Ec2Context,
  deploymentId: string,
  signal: AbortSignal,
): Promise<readonly RunResources[]> {
  const runs = new Map<string, { run: Run; resources: RunResource[] }>();
  for (const { kind, id, tags } of await findTagged(context, deploymentId, signal)) {
    const record = tagRecord(tags === undefined ? undefined : [...tags]);
    const run = runOfTags(record);
    if (!run || id === undefined || run.deploymentId !== deploymentId || id === run.sourceId) continue;
    const entry = runs.get(run.runId) ?? { run, resources: [] };
    entry.resources.push({ kind, id, role: record[TAG.role] ?? '', retained: record[TAG.retain] !== undefined });
    runs.set(run.runId, entry);
  }
  return [...runs.values()];
}

async function findTagged(
  { clients: { ec2 } }: Ec2Context,
  deploymentId: string,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const Filters = filterBy({ [TAG.deployment]: deploymentId });
  const options = { abortSignal: signal };
  const instances = await collect('DescribeInstances', signal, async (NextToken) => {
    const page = await ec2.send(new DescribeInstancesCommand({ Filters, MaxResults: 100, NextToken }), options);
    return { items: page.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [], next: page.NextToken };
  });
  const volumes = await collect('DescribeVolumes', signal, async (NextToken) => {
    const page = await ec2.send(new DescribeVolumesCommand({ Filters, MaxResults: 200, NextToken }), options);
    return { items: page.Volumes ?? [], next: page.NextToken };
  });
  const images = await collect('DescribeImages', signal, async (NextToken) => {
    const page = await ec2.send(
      new DescribeImagesCommand({ Owners: ['self'], Filters, MaxResults: 100, NextToken }),
      options,
    );
    return { items: page.Images ?? [], next: page.NextToken };
  });
  const snapshots = await collect('DescribeSnapshots', signal, async (NextToken) => {
    const page = await ec2.send(
      new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters, MaxResults: 200, NextToken }),
      options,
    );
    return { items: page.Snapshots ?? [], next: page.NextToken };
  });
  return [
    ...instances
      .filter(({ State }) => State?.Name !== 'terminated')
      .map(({ InstanceId, Tags }): Found => ({ kind: 'instance', id: InstanceId, tags: Tags })),
    ...volumes.map(({ VolumeId, Tags }): Found => ({ kind: 'volume', id: VolumeId, tags: Tags })),
    ...images.map(({ ImageId, Tags }): Found => ({ kind: 'image', id: ImageId, tags: Tags })),
    ...snapshots.map(({ SnapshotId, Tags }): Found => ({ kind: 'snapshot', id: SnapshotId, tags: Tags })),
  ];
}
