import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type Image,
  type Instance,
  type Snapshot,
  type Volume,
} from '@aws-sdk/client-ec2';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { call } from './errors.ts';
import { collect } from './pages.ts';
import { runFilter, TAG, tagRecord } from './tags.ts';

export type ResourceKind = 'instance' | 'volume' | 'image' | 'snapshot';

declare const proven: unique symbol;

/**
 * The id of a resource that a fresh describe showed to carry this deployment's and this run's tags. Only this file can
 * make one, and every call that changes or ends something takes one: an id that came from anywhere else does not compile.
 */
export interface Owned<K extends ResourceKind> {
  readonly kind: K;
  readonly id: string;
  readonly [proven]: true;
}

export interface OwnedInstance {
  readonly owned: Owned<'instance'>;
  readonly instance: Instance;
}

/** The instance, if it is this run's; ResourceNotOurs for anybody else's, production's first of all. */
export async function claimInstance(
  { clients }: Ec2Context,
  run: Run,
  id: string,
  signal: AbortSignal,
): Promise<OwnedInstance> {
  const answer = await call(`DescribeInstances ${id}`, signal, () =>
    clients.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }), { abortSignal: signal }),
  );
  const instance = answer.Reservations?.flatMap(({ Instances }) => Instances ?? []).find(
    ({ InstanceId }) => InstanceId === id,
  );
  if (!instance) throw new PlatformError('InstanceNotFound', `DescribeInstances ${id}: the answer does not hold it.`);
  return { owned: prove('instance', id, instance.Tags, run), instance };
}

/** The snapshot, if it is this run's. */
export async function claimSnapshot({ clients }: Ec2Context, run: Run, id: string, signal: AbortSignal) {
  const answer = await call(`DescribeSnapshots ${id}`, signal, () =>
    clients.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }), { abortSignal: signal }),
  );
  const snapshot = answer.Snapshots?.find(({ SnapshotId }) => SnapshotId === id);
  if (!snapshot) throw new PlatformError('ResourceMissing', `DescribeSnapshots ${id}: the answer does not hold it.`);
  return { owned: prove('snapshot', id, snapshot.Tags, run), snapshot };
}

/** Every instance of the run that is not gone. */
export async function ownedInstances(
  context: Ec2Context,
  run: Run,
  signal: AbortSignal,
): Promise<readonly OwnedInstance[]> {
  const shown = await shownInstances(context, run, signal);
  return shown.filter(({ instance }) => instance.State?.Name !== 'terminated');
}

/** Also those that ended within the last hour: so long does EC2 show them. */
export async function shownInstances(
  context: Ec2Context,
  run: Run,
  signal: AbortSignal,
): Promise<readonly OwnedInstance[]> {
  const found = await collect('DescribeInstances', signal, async (NextToken) => {
    const command = new DescribeInstancesCommand({ Filters: runFilter(run), MaxResults: 100, NextToken });
    const page = await context.clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [], next: page.NextToken };
  });
  return found.flatMap((instance) =>
    claim('instance', instance.InstanceId, instance, run).map(({ owned }) => ({ owned, instance })),
  );
}

export async function ownedImages(context: Ec2Context, run: Run, signal: AbortSignal) {
  const images = await collect('DescribeImages', signal, async (NextToken) => {
    const command = new DescribeImagesCommand({
      Owners: ['self'],
      Filters: runFilter(run),
      MaxResults: 100,
      NextToken,
    });
    const page = await context.clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Images ?? [], next: page.NextToken };
  });
  return images.flatMap((image: Image) => claim('image', image.ImageId, image, run));
}

export async function ownedSnapshots(context: Ec2Context, run: Run, signal: AbortSignal) {
  const snapshots = await collect('DescribeSnapshots', signal, async (NextToken) => {
    const command = new DescribeSnapshotsCommand({
      OwnerIds: ['self'],
      Filters: runFilter(run),
      MaxResults: 200,
      NextToken,
    });
    const page = await context.clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Snapshots ?? [], next: page.NextToken };
  });
  return snapshots.flatMap((snapshot: Snapshot) => claim('snapshot', snapshot.SnapshotId, snapshot, run));
}

export async function ownedVolumes(context: Ec2Context, run: Run, signal: AbortSignal) {
  const volumes = await collect('DescribeVolumes', signal, async (NextToken) => {
    const command = new DescribeVolumesCommand({ Filters: runFilter(run), MaxResults: 200, NextToken });
    const page = await context.clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Volumes ?? [], next: page.NextToken };
  });
  return volumes.flatMap((volume: Volume) => claim('volume', volume.VolumeId, volume, run));
}

/** Captures of the same source and deployment made by other runs. */
export async function otherCaptures({ clients }: Ec2Context, run: Run, signal: AbortSignal) {
  const filters = [
    { Name: `tag:${TAG.deployment}`, Values: [run.deploymentId] },
    { Name: `tag:${TAG.source}`, Values: [run.sourceId] },
    { Name: `tag:${TAG.role}`, Values: ['capture'] },
  ];
  const snapshots = await collect('DescribeSnapshots', signal, async (NextToken) => {
    const command = new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters: filters, MaxResults: 200, NextToken });
    const page = await clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Snapshots ?? [], next: page.NextToken };
  });
  return snapshots.flatMap((snapshot) => {
    const tags = tagRecord(snapshot.Tags);
    const isOurs =
      tags[TAG.deployment] === run.deploymentId && tags[TAG.source] === run.sourceId && tags[TAG.role] === 'capture';
    if (!isOurs || tags[TAG.run] === run.runId || snapshot.SnapshotId === undefined) return [];
    return [{ owned: mint('snapshot', snapshot.SnapshotId), resource: snapshot, tags }];
  });
}

/** What an endpoint's filter let through is checked again: a filter that it does not know must not cost a stranger's data. */
function claim<K extends ResourceKind, R extends { readonly Tags?: Instance['Tags'] }>(
  kind: K,
  id: string | undefined,
  resource: R,
  run: Run,
) {
  const tags = tagRecord(resource.Tags);
  if (id === undefined || !isOfRun(id, tags, run)) return [];
  return [{ owned: mint(kind, id), resource, tags }];
}

function prove<K extends ResourceKind>(kind: K, id: string, tags: Instance['Tags'], run: Run): Owned<K> {
  if (isOfRun(id, tagRecord(tags), run)) return mint(kind, id);
  throw new PlatformError(
    'ResourceNotOurs',
    `The ${kind} ${id} does not carry the tags of run ${run.runId} of this deployment, so it is left alone.`,
    { context: { id, runId: run.runId } },
  );
}

function isOfRun(id: string, tags: Readonly<Record<string, string>>, run: Run): boolean {
  // The source is named besides: even a production machine that somebody tagged like ours is never ours. Without a role it
  // could be one that was restored for people, whose tags somebody has changed.
  return (
    id !== run.sourceId &&
    tags[TAG.deployment] === run.deploymentId &&
    tags[TAG.run] === run.runId &&
    Boolean(tags[TAG.role])
  );
}

function mint<K extends ResourceKind>(kind: K, id: string): Owned<K> {
  return { kind, id } as Owned<K>;
}
