import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import { inBackground } from '../in-background.ts';
import type { ImageMapping, ImageRecord, InstanceRecord, SubnetRecord, VolumeRecord } from '../records.ts';
import { findByToken, tokenFacts } from './client-token.ts';
import { require } from './describe.ts';
import { imageState, requireImage } from './images.ts';
import { renderInstance } from './instance-view.ts';
import { type Call, type Operation, operation } from './operation.ts';
import { chooseAddress } from './subnets.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';
import { planVolume, VolumeType } from './volumes.ts';

/** EC2's limit for user data before base64. */
export const MAX_USER_DATA = 16_384;

const LaunchMapping = z.strictObject({
  DeviceName: z.string(),
  NoDevice: z.string().optional(),
  Ebs: z
    .strictObject({
      SnapshotId: z.string().optional(),
      VolumeSize: z.int().min(1).optional(),
      VolumeType: VolumeType.optional(),
      Iops: z.int().optional(),
      Throughput: z.int().optional(),
      Encrypted: z.boolean().optional(),
      KmsKeyId: z.string().optional(),
      DeleteOnTermination: z.boolean().optional(),
      VolumeInitializationRate: z.int().min(100).max(300).optional(),
    })
    .optional(),
});

const Card = z.strictObject({
  DeviceIndex: z.literal(0),
  SubnetId: z.string(),
  Groups: z.array(z.string()).optional(),
  PrivateIpAddress: z.string().optional(),
  AssociatePublicIpAddress: z.literal(false).optional(),
  DeleteOnTermination: z.literal(true).optional(),
  Description: z.string().optional(),
});

/** Members whose only value here is what the machine does anyway are literals: anything else is refused. */
const INPUT = {
  ImageId: z.string(),
  InstanceType: z.string().default('t3.small'),
  MinCount: z.literal(1),
  MaxCount: z.literal(1),
  ClientToken: z.string().max(64).optional(),
  NetworkInterfaces: z.array(Card).length(1).optional(),
  SubnetId: z.string().optional(),
  SecurityGroupIds: z.array(z.string()).optional(),
  PrivateIpAddress: z.string().optional(),
  BlockDeviceMappings: z.array(LaunchMapping).default([]),
  UserData: z.string().optional(),
  IamInstanceProfile: z.strictObject({ Name: z.string().optional(), Arn: z.string().optional() }).optional(),
  InstanceInitiatedShutdownBehavior: z.enum(['stop', 'terminate']).default('stop'),
  DisableApiTermination: z.boolean().optional(),
  DisableApiStop: z.literal(false).optional(),
  EbsOptimized: z.boolean().default(false),
  Monitoring: z.strictObject({ Enabled: z.literal(false) }).optional(),
  CreditSpecification: z.strictObject({ CpuCredits: z.enum(['standard', 'unlimited']) }).optional(),
  CapacityReservationSpecification: z
    .strictObject({ CapacityReservationPreference: z.enum(['none', 'open']) })
    .optional(),
  HibernationOptions: z.strictObject({ Configured: z.boolean() }).optional(),
  Placement: z
    .strictObject({ AvailabilityZone: z.string().optional(), Tenancy: z.literal('default').optional() })
    .optional(),
  MetadataOptions: z
    .strictObject({
      HttpEndpoint: z.literal('enabled').optional(),
      HttpTokens: z.enum(['optional', 'required']).optional(),
      HttpPutResponseHopLimit: z.int().min(1).max(64).optional(),
      InstanceMetadataTags: z.literal('disabled').optional(),
      HttpProtocolIpv6: z.literal('disabled').optional(),
    })
    .optional(),
  TagSpecifications,
};
type LaunchInput = z.output<z.ZodObject<typeof INPUT>>;

export const RunInstances: Operation = operation(INPUT, (input, call) => {
  const { cloud } = call;
  const placed = place(cloud, input);
  // Zonal idempotency: the same token in another zone starts a second machine, as on EC2.
  const earlier = findByToken(
    cloud.db.instances.all().filter(({ zone }) => zone === placed.subnet.zone),
    input,
  );
  if (earlier !== undefined) {
    if (earlier.state === 'terminated') {
      throw new CloudError(
        'IdempotentInstanceTerminated',
        'The client token belongs to an instance that is terminated',
      );
    }
    return answer(earlier, cloud);
  }
  const image = requireImage(cloud, input.ImageId);
  check(cloud, input, image);
  const instance = create(call, input, image, placed);
  inBackground(`starting ${instance.id}`, cloud.machines.launch(instance.id));
  return answer(instance, cloud);
});

interface Placed {
  readonly subnet: SubnetRecord;
  readonly groupIds: readonly string[];
  readonly wantedIp: string | undefined;
}

function place({ db }: Cloud, input: LaunchInput): Placed {
  const [card] = input.NetworkInterfaces ?? [];
  if (card !== undefined && (input.SubnetId ?? input.SecurityGroupIds ?? input.PrivateIpAddress) !== undefined) {
    throw new CloudError(
      'InvalidParameterCombination',
      'Network interfaces and an instance-level subnet, group or address may not be specified on the same request',
    );
  }
  const subnetId = card?.SubnetId ?? input.SubnetId;
  if (subnetId === undefined)
    throw new CloudError('MissingInput', 'No subnets found for the default VPC. Please specify a subnet.');
  const subnet = require(db.subnets, 'subnet', subnetId);
  const named = card?.Groups ?? input.SecurityGroupIds;
  const groupIds =
    named ??
    db.groups
      .all()
      .filter(({ vpcId, name }) => vpcId === subnet.vpcId && name === 'default')
      .map(({ id }) => id);
  for (const id of groupIds) {
    if (require(db.groups, 'sg', id).vpcId !== subnet.vpcId) {
      throw new CloudError(
        'InvalidParameter',
        `Security group ${id} and subnet ${subnet.id} belong to different networks.`,
      );
    }
  }
  const zone = input.Placement?.AvailabilityZone;
  if (zone !== undefined && zone !== subnet.zone)
    throw invalidValue('availabilityZone', zone, `is not the zone of ${subnet.id}`);
  return { subnet, groupIds, wantedIp: card?.PrivateIpAddress ?? input.PrivateIpAddress };
}

function check(cloud: Cloud, input: LaunchInput, image: ImageRecord): void {
  if (imageState(image, cloud) !== 'available')
    throw new CloudError('InvalidAMIID.Unavailable', `The image ID '${image.id}' is not available`);
  if (!Object.hasOwn(cloud.settings.instanceTypes, input.InstanceType))
    throw invalidValue('InstanceType', input.InstanceType);
  if (input.UserData !== undefined && Buffer.from(input.UserData, 'base64').length > MAX_USER_DATA) {
    throw new CloudError('InvalidParameterValue', `User data is limited to ${MAX_USER_DATA} bytes`);
  }
  const profile = profileName(input);
  if (profile !== undefined && !cloud.settings.instanceProfiles.includes(profile)) {
    throw invalidValue('iamInstanceProfile.name', profile, 'is invalid. Invalid IAM Instance Profile name');
  }
  if (image.architecture !== 'x86_64' || image.virtualization !== 'hvm') {
    throw unsupported(
      `${image.architecture} ${image.virtualization} machines (${image.id}): ${input.InstanceType} runs x86_64 hvm`,
    );
  }
  if (!image.enaSupport) {
    throw new CloudError(
      'InvalidParameterCombination',
      `Enhanced networking with ENA is required for ${input.InstanceType}; ${image.id} was registered without EnaSupport`,
    );
  }
}

function profileName({ IamInstanceProfile: profile }: LaunchInput): string | undefined {
  return profile?.Name ?? profile?.Arn?.replace(/^.*\//, '');
}

function create({ cloud, accessKeyId }: Call, input: LaunchInput, image: ImageRecord, placed: Placed): InstanceRecord {
  const { db, now } = cloud;
  const { subnet } = placed;
  const taggable = ['instance', 'volume', 'network-interface'];
  const tags = (type: string) => tagsFor(input.TagSpecifications, type, taggable);
  const privateIp = chooseAddress(cloud, subnet, placed.wantedIp);
  const profile = profileName(input);
  const id = newId('i');
  const volumes = planDisks(cloud, { input, image, subnet, instanceId: id, tags: tags('volume') });
  const card = { id: newId('eni'), attachmentId: newId('eni-attach'), mac: newMac(), groupIds: placed.groupIds };
  const place = { subnetId: subnet.id, vpcId: subnet.vpcId, privateIp };
  const instance: InstanceRecord = {
    id,
    createdAt: now(),
    tags: tags('instance'),
    reservationId: newId('r'),
    accessKeyId,
    ...tokenFacts(input),
    imageId: image.id,
    type: input.InstanceType,
    architecture: image.architecture,
    virtualization: image.virtualization,
    enaSupport: image.enaSupport,
    ...(image.bootMode !== undefined && { bootMode: image.bootMode }),
    rootDevice: image.rootDevice,
    ebsOptimized: input.EbsOptimized,
    hibernation: input.HibernationOptions?.Configured ?? false,
    ...place,
    ...(profile !== undefined && { profile }),
    zone: subnet.zone,
    interfaceId: card.id,
    volumeIds: volumes.map((volume) => volume.id),
    ephemeral: image.mappings.flatMap(({ device, virtualName }) =>
      virtualName === undefined ? [] : [{ device, virtualName }],
    ),
    state: 'pending',
    transitionReason: '',
    stateChangedAt: now(),
    launchedAt: now(),
    shutdownBehavior: input.InstanceInitiatedShutdownBehavior,
    apiTermination: input.DisableApiTermination !== true,
    ...(input.UserData !== undefined && { userData: input.UserData }),
    httpTokens: input.MetadataOptions?.HttpTokens ?? 'required',
    hopLimit: input.MetadataOptions?.HttpPutResponseHopLimit ?? 2,
    ports: {},
    consolePosted: 0,
  };
  cloud.store.together(() => {
    for (const volume of volumes) db.volumes.put(volume);
    db.interfaces.put({ ...card, ...place, createdAt: now(), tags: tags('network-interface'), instanceId: id });
    db.instances.put(instance);
  });
  return instance;
}

interface DiskPlan {
  readonly input: LaunchInput;
  readonly image: ImageRecord;
  readonly subnet: SubnetRecord;
  readonly instanceId: string;
  readonly tags: VolumeRecord['tags'];
}

/** The image's mappings, changed and completed by the request's: `NoDevice` removes, unknown devices are added. */
function planDisks(cloud: Cloud, { input, image, subnet, instanceId, tags }: DiskPlan): VolumeRecord[] {
  const changes = new Map(input.BlockDeviceMappings.map((mapping) => [mapping.DeviceName, mapping]));
  const devices = new Set([...image.mappings.map(({ device }) => device), ...changes.keys()]);
  if (changes.size < input.BlockDeviceMappings.length)
    throw new CloudError('InvalidBlockDeviceMapping', 'A device name appears twice');
  return [...devices].flatMap((device) => {
    const own = image.mappings.find((mapping) => mapping.device === device);
    const change = changes.get(device);
    if (change?.NoDevice !== undefined || own?.virtualName !== undefined) return [];
    if (
      device === image.rootDevice &&
      change?.Ebs?.SnapshotId !== undefined &&
      change.Ebs.SnapshotId !== own?.snapshotId
    ) {
      throw new CloudError('InvalidBlockDeviceMapping', 'snapshotId cannot be modified on root device');
    }
    const volume = planVolume(cloud, { ...volumePlan(own, change), AvailabilityZone: subnet.zone, tags });
    const deleteOnTermination = change?.Ebs?.DeleteOnTermination ?? own?.deleteOnTermination ?? true;
    return [{ ...volume, attachment: { instanceId, device, attachedAt: cloud.now(), deleteOnTermination } }];
  });
}

function volumePlan(own: ImageMapping | undefined, change: z.output<typeof LaunchMapping> | undefined) {
  const ebs = change?.Ebs;
  const sameSnapshot = ebs?.SnapshotId === undefined || ebs.SnapshotId === own?.snapshotId;
  return {
    SnapshotId: ebs?.SnapshotId ?? own?.snapshotId,
    Size: ebs?.VolumeSize ?? (sameSnapshot ? own?.sizeGiB : undefined),
    VolumeType: ebs?.VolumeType ?? own?.type ?? 'gp2',
    Iops: ebs?.Iops ?? own?.iops,
    Throughput: ebs?.Throughput ?? own?.throughput,
    Encrypted: ebs?.Encrypted,
    KmsKeyId: ebs?.KmsKeyId,
    VolumeInitializationRate: ebs?.VolumeInitializationRate,
  };
}

/** Locally administered, unicast; `52:54:00` is QEMU's own block. */
function newMac(): string {
  return `52:54:00:${randomBytes(3)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1:')}`;
}

function answer(instance: InstanceRecord, cloud: Cloud) {
  return {
    ReservationId: instance.reservationId,
    OwnerId: cloud.settings.accountId,
    Groups: [],
    Instances: [renderInstance(instance, cloud)],
  };
}
