import type { Image } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { ImageMapping, ImageRecord } from '../records.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, timeText } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { deleteSnapshot, imageWith, requireSnapshot } from './snapshots.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';
import { VolumeType } from './volumes.ts';

export const ImageName = z.string().min(3).max(128);

const Mapping = z.strictObject({
  DeviceName: z.string(),
  VirtualName: z.string().optional(),
  Ebs: z
    .strictObject({
      SnapshotId: z.string().optional(),
      VolumeSize: z.int().min(1).optional(),
      VolumeType: VolumeType.default('gp2'),
      Iops: z.int().optional(),
      Throughput: z.int().optional(),
      DeleteOnTermination: z.boolean().default(true),
    })
    .optional(),
});

/** What Image Builder and its scans note of an image. */
const NEVER_MADE_HERE = noneHas(
  'image-watermark.source-image-creation-time',
  'image-watermark.source-image-id',
  'image-watermark.source-image-region',
  'image-watermark.watermark-creation-time',
  'image-watermark.watermark-key',
  'scan-result.critical-fix-available-since',
  'scan-result.finding-scan-date',
  'scan-result.high-fix-available-since',
  'scan-result.highest-finding-severity-label',
  'scan-result.informational-fix-available-since',
  'scan-result.low-fix-available-since',
  'scan-result.medium-fix-available-since',
);

function filters(cloud: Cloud): FilterTable<ImageRecord> {
  const { db, settings } = cloud;
  const encrypted = ({ snapshotId }: ImageMapping) =>
    snapshotId === undefined ? undefined : (db.snapshots.get(snapshotId)?.encrypted ?? false);
  return {
    architecture: ({ architecture }) => [architecture],
    'block-device-mapping.delete-on-termination': ({ mappings }) => mappings.map((disk) => disk.deleteOnTermination),
    'block-device-mapping.device-name': ({ mappings }) => mappings.map(({ device }) => device),
    'block-device-mapping.encrypted': ({ mappings }) => mappings.map(encrypted),
    'block-device-mapping.snapshot-id': ({ mappings }) => mappings.map(({ snapshotId }) => snapshotId),
    'block-device-mapping.volume-size': ({ mappings }) => mappings.map(({ sizeGiB }) => sizeGiB),
    'block-device-mapping.volume-type': ({ mappings }) => mappings.map(({ type }) => type),
    'creation-date': ({ createdAt }) => [timeText(createdAt)],
    description: ({ description }) => [description],
    'ena-support': ({ enaSupport }) => [enaSupport],
    hypervisor: () => ['xen'],
    'image-allowed': () => [true],
    'image-id': ({ id }) => [id],
    'image-type': () => ['machine'],
    'is-public': () => [false],
    'manifest-location': ({ name }) => [`${settings.accountId}/${name}`],
    name: ({ name }) => [name],
    'owner-id': () => [settings.accountId],
    'root-device-name': ({ rootDevice }) => [rootDevice],
    'root-device-type': () => ['ebs'],
    'sriov-net-support': ({ sriov }) => [sriov],
    'source-instance-id': ({ sourceInstanceId }) => [sourceInstanceId],
    state: (image) => [imageState(image, cloud)],
    'boot-mode': ({ bootMode }) => [bootMode],
    'virtualization-type': ({ virtualization }) => [virtualization],
    ...noneHas('free-tier-eligible', 'kernel-id', 'owner-alias', 'platform', 'product-code', 'product-code.type'),
    ...noneHas('ramdisk-id', 'source-image-id', 'source-image-region'),
    ...noneHas('state-reason-code', 'state-reason-message', 'public-ssm-parameter-name'),
    ...noneHas('instance-type-specification.supported-instance-type'),
    ...noneHas('instance-type-specification.unsupported-instance-type'),
    ...NEVER_MADE_HERE,
  };
}

export const imageOperations: Operations = {
  RegisterImage: operation(
    {
      Name: ImageName,
      Description: z.string().max(255).optional(),
      // AWS's own defaults: whoever forgets these gets an image that does not boot here either.
      Architecture: z.enum(['i386', 'x86_64', 'arm64']).default('i386'),
      VirtualizationType: z.enum(['paravirtual', 'hvm']).default('paravirtual'),
      RootDeviceName: z.string(),
      BlockDeviceMappings: z.array(Mapping).min(1),
      EnaSupport: z.boolean().default(false),
      SriovNetSupport: z.literal('simple').optional(),
      BootMode: z.enum(['legacy-bios', 'uefi', 'uefi-preferred']).optional(),
      ImdsSupport: z.literal('v2.0').optional(),
      TagSpecifications,
    },
    (input, { cloud }) => {
      const { db, now } = cloud;
      const tags = tagsFor(input.TagSpecifications, 'image');
      refuseTakenName(cloud, input.Name);
      if (input.BootMode === 'uefi') throw unsupported('boot mode uefi: machines start through legacy BIOS');
      const mappings = input.BlockDeviceMappings.map((mapping) => readMapping(cloud, mapping));
      const root = mappings.find(({ device }) => device === input.RootDeviceName);
      if (root?.snapshotId === undefined)
        throw new CloudError('InvalidBlockDeviceMapping', 'The root device needs a mapping with a snapshot');
      const devices = new Set(mappings.map(({ device }) => device));
      if (devices.size < mappings.length)
        throw new CloudError('InvalidBlockDeviceMapping', 'A device name appears twice');
      const image = {
        name: input.Name,
        ...(input.Description !== undefined && { description: input.Description }),
        architecture: input.Architecture,
        virtualization: input.VirtualizationType,
        rootDevice: input.RootDeviceName,
        enaSupport: input.EnaSupport,
        ...(input.SriovNetSupport !== undefined && { sriov: input.SriovNetSupport }),
        ...(input.BootMode !== undefined && { bootMode: input.BootMode }),
        ...(input.ImdsSupport !== undefined && { imdsSupport: input.ImdsSupport }),
        mappings,
      };
      return { ImageId: db.images.put({ id: newId('ami'), createdAt: now(), tags, ...image }).id };
    },
  ),

  DeregisterImage: operation(
    { ImageId: z.string(), DeleteAssociatedSnapshots: z.boolean().default(false) },
    async (input, { cloud }) => {
      const { id, mappings } = requireImage(cloud, input.ImageId);
      cloud.db.images.remove(id);
      if (!input.DeleteAssociatedSnapshots) return { Return: true };
      const snapshotIds = mappings.flatMap(({ snapshotId }) => snapshotId ?? []);
      const results: { SnapshotId: string; ReturnCode: string }[] = [];
      for (const SnapshotId of snapshotIds) {
        const used = imageWith(cloud, SnapshotId) !== undefined;
        if (!used) await deleteSnapshot(cloud, SnapshotId);
        results.push({ SnapshotId, ReturnCode: used ? 'skipped' : 'success' });
      }
      return { Return: true, DeleteSnapshotResults: results };
    },
  ),

  DescribeImages: operation(
    {
      ImageIds: z.array(z.string()).optional(),
      Owners: z.array(z.string()).optional(),
      ExecutableUsers: z.array(z.string()).optional(),
      // Nothing deprecates or disables an image here, so either value gives the same.
      IncludeDeprecated: z.boolean().optional(),
      IncludeDisabled: z.boolean().optional(),
      Filters: FilterList,
      ...PAGED,
    },
    (input, { cloud }) => {
      const { accountId } = cloud.settings;
      const owned = input.Owners === undefined || input.Owners.includes('self') || input.Owners.includes(accountId);
      const ours = owned && input.ExecutableUsers === undefined; // which asks for what was shared: nothing is
      const records = ours ? cloud.db.images.all() : [];
      const { items, NextToken } = describe({
        cloud,
        prefix: 'ami',
        records,
        ids: input.ImageIds,
        filters: input.Filters,
        table: filters(cloud),
        page: input,
      });
      return { Images: items.map((image) => renderImage(image, cloud)), NextToken };
    },
  ),
};

export function refuseTakenName({ db }: Cloud, taken: string): void {
  const same = db.images.all().find(({ name }) => name === taken);
  if (same !== undefined)
    throw new CloudError('InvalidAMIName.Duplicate', `AMI name ${taken} is already in use by AMI ${same.id}`);
}

/** An image is as ready as the snapshots under it. */
export function imageState({ mappings }: ImageRecord, { db }: Cloud): 'pending' | 'available' | 'failed' {
  const states = mappings.flatMap(({ snapshotId }) => db.snapshots.get(snapshotId ?? '')?.state ?? []);
  if (states.includes('error')) return 'failed';
  return states.some((state) => state !== 'completed') ? 'pending' : 'available';
}

export function requireImage({ db }: Cloud, id: string): ImageRecord {
  return require(db.images, 'ami', id);
}

function readMapping(cloud: Cloud, { DeviceName, VirtualName, Ebs }: z.output<typeof Mapping>): ImageMapping {
  if (VirtualName !== undefined) {
    return { device: DeviceName, virtualName: VirtualName, sizeGiB: 0, type: 'ephemeral', deleteOnTermination: true };
  }
  if (Ebs === undefined) throw invalidValue('blockDeviceMapping', DeviceName, 'has neither Ebs nor VirtualName');
  const snapshot = Ebs.SnapshotId === undefined ? undefined : requireSnapshot(cloud, Ebs.SnapshotId);
  if (snapshot !== undefined && snapshot.state !== 'completed') {
    throw new CloudError(
      'InvalidSnapshot.NotReady',
      `Snapshot ${snapshot.id} is in state ${snapshot.state}, not completed`,
    );
  }
  const sizeGiB = Ebs.VolumeSize ?? snapshot?.sizeGiB;
  if (sizeGiB === undefined || sizeGiB < (snapshot?.sizeGiB ?? 1)) {
    throw new CloudError(
      'InvalidBlockDeviceMapping',
      `${DeviceName}: the volume's size is missing or smaller than its snapshot`,
    );
  }
  return {
    device: DeviceName,
    ...(snapshot !== undefined && { snapshotId: snapshot.id }),
    sizeGiB,
    type: Ebs.VolumeType,
    ...(Ebs.Iops !== undefined && { iops: Ebs.Iops }),
    ...(Ebs.Throughput !== undefined && { throughput: Ebs.Throughput }),
    deleteOnTermination: Ebs.DeleteOnTermination,
  };
}

export function renderImage(image: ImageRecord, cloud: Cloud): Image {
  const { settings, db } = cloud;
  return {
    ImageId: image.id,
    Name: image.name,
    ...(image.description !== undefined && { Description: image.description }),
    ImageLocation: `${settings.accountId}/${image.name}`,
    ImageType: 'machine',
    Public: false,
    OwnerId: settings.accountId,
    State: imageState(image, cloud),
    ...(image.sourceInstanceId !== undefined && { SourceInstanceId: image.sourceInstanceId }),
    CreationDate: new Date(image.createdAt).toISOString(),
    Architecture: image.architecture as NonNullable<Image['Architecture']>,
    VirtualizationType: image.virtualization as NonNullable<Image['VirtualizationType']>,
    Hypervisor: 'xen',
    PlatformDetails: 'Linux/UNIX',
    UsageOperation: 'RunInstances',
    RootDeviceName: image.rootDevice,
    RootDeviceType: 'ebs',
    EnaSupport: image.enaSupport,
    ...(image.sriov !== undefined && { SriovNetSupport: image.sriov }),
    ...(image.bootMode !== undefined && { BootMode: image.bootMode as NonNullable<Image['BootMode']> }),
    ...(image.imdsSupport !== undefined && { ImdsSupport: 'v2.0' as const }),
    BlockDeviceMappings: image.mappings.map((mapping) =>
      mapping.virtualName !== undefined
        ? { DeviceName: mapping.device, VirtualName: mapping.virtualName }
        : {
            DeviceName: mapping.device,
            Ebs: {
              ...(mapping.snapshotId !== undefined && {
                SnapshotId: mapping.snapshotId,
                Encrypted: db.snapshots.get(mapping.snapshotId)?.encrypted ?? false,
              }),
              VolumeSize: mapping.sizeGiB,
              VolumeType: mapping.type as 'gp3',
              DeleteOnTermination: mapping.deleteOnTermination,
              ...(mapping.iops !== undefined && { Iops: mapping.iops }),
              ...(mapping.throughput !== undefined && { Throughput: mapping.throughput }),
            },
          },
    ),
    Tags: tagSet(image.tags),
  };
}
