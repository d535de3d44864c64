import type { Volume } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import { ensureEbsKey, findKey } from '../kms/find-key.ts';
import type { SnapshotRecord, VolumeRecord } from '../records.ts';
import { makeVolume, plannedLayers } from '../storage/volume-files.ts';
import { findByToken, tokenFacts } from './client-token.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, timeText, UNMANAGED } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { requireSnapshot } from './snapshots.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';
import { inVolumeTurn } from './volume-turn.ts';

const MAX_GIB = 16_384;
const TYPES = ['gp2', 'gp3', 'io1', 'io2', 'standard', 'st1', 'sc1'] as const;
export const VolumeType = z.enum(TYPES);

const FILTERS: FilterTable<VolumeRecord> = {
  'volume-id': ({ id }) => [id],
  status: ({ state }) => [state],
  size: ({ sizeGiB }) => [sizeGiB],
  encrypted: ({ encrypted }) => [encrypted],
  'snapshot-id': ({ snapshotId }) => [snapshotId],
  'volume-type': ({ type }) => [type],
  'availability-zone': ({ zone }) => [zone],
  'availability-zone-id': ({ zone }) => [zone],
  'create-time': ({ createdAt }) => [timeText(createdAt)],
  'fast-restored': () => [false],
  ...UNMANAGED,
  'attachment.attach-time': ({ attachment }) => [attachment && timeText(attachment.attachedAt)],
  'attachment.instance-id': ({ attachment }) => [attachment?.instanceId],
  'attachment.device': ({ attachment }) => [attachment?.device],
  'attachment.status': ({ attachment }) => [attachment === undefined ? undefined : 'attached'],
  'attachment.delete-on-termination': ({ attachment }) => [attachment?.deleteOnTermination],
  'multi-attach-enabled': ({ multiAttach }) => [multiAttach],
};

export const volumeOperations: Operations = {
  CreateVolume: operation(
    {
      AvailabilityZone: z.string(),
      SnapshotId: z.string().optional(),
      Size: z.int().min(1).max(MAX_GIB).optional(),
      VolumeType: VolumeType.default('gp2'),
      Iops: z.int().optional(),
      Throughput: z.int().optional(),
      Encrypted: z.boolean().optional(),
      KmsKeyId: z.string().optional(),
      MultiAttachEnabled: z.boolean().optional(),
      VolumeInitializationRate: z.int().min(100).max(300).optional(),
      ClientToken: z.string().max(64).optional(),
      TagSpecifications,
    },
    async (input, { cloud }) => {
      const earlier = findByToken(cloud.db.volumes.all(), input);
      if (earlier !== undefined) return renderVolume(earlier);
      if (!cloud.settings.zones.includes(input.AvailabilityZone))
        throw invalidValue('availabilityZone', input.AvailabilityZone);
      const volume = cloud.db.volumes.put({
        ...planVolume(cloud, { ...input, tags: tagsFor(input.TagSpecifications, 'volume') }),
        multiAttach: input.MultiAttachEnabled ?? false,
        ...tokenFacts(input),
      });
      await makeVolume(cloud, volume);
      return renderVolume(volume);
    },
  ),

  DeleteVolume: operation({ VolumeId: z.string() }, async (input, { cloud }) => {
    await inVolumeTurn(cloud, input.VolumeId, async ({ id, attachment }) => {
      if (attachment !== undefined) {
        throw new CloudError('VolumeInUse', `Volume ${id} is currently attached to ${attachment.instanceId}`);
      }
      cloud.db.volumes.remove(id);
    });
    await cloud.snapshots.sweep();
    return undefined;
  }),

  // Two turns: until it is attached, a volume's own is the one that a capture or a deletion of it takes.
  AttachVolume: operation({ VolumeId: z.string(), InstanceId: z.string(), Device: z.string() }, (input, { cloud }) => {
    // Known first: one id given for both would wait for itself.
    const { id: volumeId } = require(cloud.db.volumes, 'vol', input.VolumeId);
    const { id: instanceId } = require(cloud.db.instances, 'i', input.InstanceId);
    return cloud.machines.inTurn(instanceId, () =>
      cloud.machines.inTurn(volumeId, async () => renderAttachment(attach(cloud, input))),
    );
  }),

  DetachVolume: operation(
    {
      VolumeId: z.string(),
      InstanceId: z.string().optional(),
      Device: z.string().optional(),
      Force: z.literal(false).optional(),
    },
    (input, { cloud }) =>
      inVolumeTurn(cloud, input.VolumeId, async ({ attachment, ...volume }) => {
        if (attachment === undefined)
          throw new CloudError('IncorrectState', `Volume '${volume.id}' is in the '${volume.state}' state.`);
        const { InstanceId = attachment.instanceId, Device = attachment.device } = input;
        if (InstanceId !== attachment.instanceId || Device !== attachment.device) {
          throw new CloudError(
            'InvalidAttachment.NotFound',
            `Volume '${volume.id}' is not attached to ${InstanceId} as ${Device}`,
          );
        }
        const instance = require(cloud.db.instances, 'i', attachment.instanceId);
        if (instance.state !== 'stopped') throw unsupported('detaching a volume from an instance that is not stopped');
        const volumeIds = instance.volumeIds.filter((id) => id !== volume.id);
        cloud.store.together(() => {
          cloud.db.volumes.put({ ...volume, state: 'available' });
          cloud.db.instances.update(instance.id, { volumeIds });
        });
        return { ...renderAttachment({ ...volume, attachment }), State: 'detaching' as const };
      }),
  ),

  DescribeVolumes: operation(
    { VolumeIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const records = cloud.db.volumes.all();
      const { items, NextToken } = describe({
        cloud,
        prefix: 'vol',
        records,
        ids: input.VolumeIds,
        filters: input.Filters,
        table: FILTERS,
        page: input,
      });
      return { Volumes: items.map(renderVolume), NextToken };
    },
  ),

  DescribeVolumeStatus: operation(
    { VolumeIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const table: FilterTable<VolumeRecord> = {
        'volume-status.status': () => ['ok'],
        'volume-status.details-name': () => ['io-enabled'],
        'volume-status.details-status': () => ['passed'],
        'availability-zone': ({ zone }) => [zone],
        ...noneHas('action.code', 'action.description', 'action.event-id', 'event.description', 'event.event-id'),
        ...noneHas('attachment-status.instance-id', 'attachment-status.io-performance'),
        ...noneHas('event.event-type', 'event.not-after', 'event.not-before'),
      };
      const records = cloud.db.volumes.all();
      const { items, NextToken } = describe({
        cloud,
        prefix: 'vol',
        records,
        ids: input.VolumeIds,
        filters: input.Filters,
        table,
        page: input,
      });
      const status = { Status: 'ok' as const, Details: [{ Name: 'io-enabled' as const, Status: 'passed' }] };
      return {
        VolumeStatuses: items.map(({ id, zone }) => ({
          VolumeId: id,
          AvailabilityZone: zone,
          VolumeStatus: status,
          Actions: [],
          Events: [],
        })),
        NextToken,
      };
    },
  ),
};

function attach(cloud: Cloud, input: { VolumeId: string; InstanceId: string; Device: string }): VolumeRecord {
  const volume = require(cloud.db.volumes, 'vol', input.VolumeId);
  const instance = require(cloud.db.instances, 'i', input.InstanceId);
  if (volume.attachment !== undefined)
    throw new CloudError('VolumeInUse', `${volume.id} is already attached to ${volume.attachment.instanceId}`);
  if (volume.state !== 'available') throw new CloudError('IncorrectState', `Volume '${volume.id}' is not 'available'.`);
  if (volume.zone !== instance.zone)
    throw new CloudError(
      'InvalidVolume.ZoneMismatch',
      `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
    );
  // The machine's NVMe disks sit on the root bus, where q35 plugs nothing in while it runs.
  if (instance.state !== 'stopped') throw unsupported('attaching a volume to an instance that is not stopped');
  const devices = instance.volumeIds.map((id) => cloud.db.volumes.get(id)?.attachment?.device);
  if (devices.includes(input.Device)) throw invalidValue('device', input.Device, `is already in use on ${instance.id}`);
  const attachment = {
    instanceId: instance.id,
    device: input.Device,
    attachedAt: cloud.now(),
    deleteOnTermination: false,
  };
  cloud.store.together(() => {
    cloud.db.volumes.update(volume.id, { state: 'in-use', attachment });
    cloud.db.instances.update(instance.id, { volumeIds: [...instance.volumeIds, volume.id] });
  });
  return require(cloud.db.volumes, 'vol', volume.id);
}

export interface VolumePlan {
  readonly AvailabilityZone: string;
  readonly SnapshotId?: string | undefined;
  readonly Size?: number | undefined;
  readonly VolumeType: string;
  readonly Iops?: number | undefined;
  readonly Throughput?: number | undefined;
  readonly Encrypted?: boolean | undefined;
  readonly KmsKeyId?: string | undefined;
  readonly VolumeInitializationRate?: number | undefined;
  readonly tags: VolumeRecord['tags'];
}

/** The record of a new volume, still `creating`, with EC2's rules about size and encryption. */
export function planVolume(cloud: Cloud, plan: VolumePlan): VolumeRecord {
  const snapshot = plan.SnapshotId === undefined ? undefined : requireSnapshot(cloud, plan.SnapshotId);
  if (snapshot !== undefined && snapshot.state !== 'completed') {
    throw new CloudError('IncorrectState', `Snapshot ${snapshot.id} is in state ${snapshot.state}`);
  }
  const sizeGiB = plan.Size ?? snapshot?.sizeGiB;
  if (sizeGiB === undefined)
    throw new CloudError('MissingParameter', 'The request must contain the parameter size or snapshotId');
  if (snapshot !== undefined && sizeGiB < snapshot.sizeGiB) {
    throw new CloudError(
      'InvalidParameterValue',
      `Volume of size ${sizeGiB}GB is smaller than snapshot '${snapshot.id}', expect size >= ${snapshot.sizeGiB}GB`,
    );
  }
  if (plan.KmsKeyId !== undefined && plan.Encrypted !== true) {
    throw new CloudError(
      'InvalidParameterDependency',
      'The parameter KmsKeyId requires the parameter Encrypted to be set.',
    );
  }
  const encrypted = snapshot?.encrypted === true || plan.Encrypted === true;
  if (plan.Encrypted === true && snapshot?.encrypted === false)
    throw unsupported('encrypting a volume made from an unencrypted snapshot');
  const kmsKeyArn = keyOfNew(cloud, plan, snapshot);
  const id = newId('vol');
  return {
    id,
    createdAt: cloud.now(),
    tags: plan.tags,
    sizeGiB,
    zone: plan.AvailabilityZone,
    type: plan.VolumeType,
    ...performance(plan),
    multiAttach: false,
    state: 'creating',
    ...(snapshot !== undefined && { snapshotId: snapshot.id }),
    encrypted,
    ...(kmsKeyArn !== undefined && { kmsKeyArn }),
    ...(plan.VolumeInitializationRate !== undefined && { initializationRate: plan.VolumeInitializationRate }),
    ...plannedLayers(cloud, id, snapshot?.id),
  };
}

/** gp3's defaults are 3,000 and 125; what other types allow is not checked. */
function performance({ VolumeType, Iops, Throughput }: VolumePlan) {
  const iops = Iops ?? (VolumeType === 'gp3' ? 3_000 : undefined);
  const throughput = Throughput ?? (VolumeType === 'gp3' ? 125 : undefined);
  return { ...(iops !== undefined && { iops }), ...(throughput !== undefined && { throughput }) };
}

/** The snapshot's key; else the one that is named, by id, ARN or alias; else EBS's own. */
function keyOfNew(
  cloud: Cloud,
  { Encrypted, KmsKeyId }: VolumePlan,
  snapshot: SnapshotRecord | undefined,
): string | undefined {
  const named = KmsKeyId === undefined ? undefined : findKey(cloud, KmsKeyId);
  if (KmsKeyId !== undefined && named === undefined)
    throw new CloudError('InvalidParameterValue', `KMS key ${KmsKeyId} does not exist in this cloud`);
  if (snapshot?.encrypted === true) {
    if (named === undefined || named.arn === snapshot.kmsKeyArn) return snapshot.kmsKeyArn;
    throw unsupported('encrypting a volume with another key than that of its snapshot');
  }
  return Encrypted === true ? (named ?? ensureEbsKey(cloud)).arn : undefined;
}

function renderVolume(volume: VolumeRecord): Volume {
  return {
    VolumeId: volume.id,
    Size: volume.sizeGiB,
    SnapshotId: volume.snapshotId ?? '',
    AvailabilityZone: volume.zone,
    State: volume.state,
    CreateTime: new Date(volume.createdAt),
    VolumeType: volume.type as NonNullable<Volume['VolumeType']>,
    Encrypted: volume.encrypted,
    MultiAttachEnabled: volume.multiAttach,
    ...(volume.iops !== undefined && { Iops: volume.iops }),
    ...(volume.throughput !== undefined && { Throughput: volume.throughput }),
    ...(volume.initializationRate !== undefined && { VolumeInitializationRate: volume.initializationRate }),
    ...(volume.kmsKeyArn !== undefined && { KmsKeyId: volume.kmsKeyArn }),
    Attachments: volume.attachment === undefined ? [] : [renderAttachment(volume)],
    Tags: tagSet(volume.tags),
  };
}

function renderAttachment({ id, attachment }: Pick<VolumeRecord, 'id' | 'attachment'>) {
  return {
    VolumeId: id,
    InstanceId: attachment?.instanceId,
    Device: attachment?.device,
    State: 'attached' as const,
    AttachTime: new Date(attachment?.attachedAt ?? 0),
    DeleteOnTermination: attachment?.deleteOnTermination,
  };
}
