import {
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  GetInstanceUefiDataCommand,
  type Instance,
  type Volume,
} from '@aws-sdk/client-ec2';
import type { BootFacts, MachineFacts, VolumeFacts } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { awsName, call } from './errors.ts';
import { findInstanceType } from './instance-type.ts';
import { GIB, present } from './narrow.ts';
import { collect } from './pages.ts';
import { filterBy, tagRecord } from './tags.ts';

/** Reads only. The image a machine once came from is not asked: it may be gone. */
export async function describeMachine(
  context: Ec2Context,
  machineId: string,
  signal: AbortSignal,
): Promise<MachineFacts> {
  const { instance, ownerId } = await readInstance(context, machineId, signal);
  const zone = present(instance.Placement?.AvailabilityZone, 'Placement.AvailabilityZone', machineId);
  const instanceType = present(instance.InstanceType, 'InstanceType', machineId);
  return {
    machineId,
    accountId: ownerId,
    region: await context.clients.ec2.config.region(),
    zone,
    state: present(instance.State?.Name, 'State', machineId),
    instanceType,
    ...(instance.PrivateIpAddress !== undefined && { privateAddress: instance.PrivateIpAddress }),
    networkId: present(instance.VpcId, 'VpcId', machineId),
    subnetId: present(instance.SubnetId, 'SubnetId', machineId),
    tags: tagRecord(instance.Tags),
    boot: await bootFacts(context, instance, signal),
    volumes: await volumeFacts(context, instance, signal),
    uncapturedDevices: await instanceStores(context, instanceType, signal),
    productCodes: (instance.ProductCodes ?? []).flatMap(({ ProductCodeId }) => ProductCodeId ?? []),
  };
}

export async function readInstance({ clients }: Ec2Context, machineId: string, signal: AbortSignal) {
  const answer = await call(`DescribeInstances ${machineId}`, signal, () =>
    clients.ec2.send(new DescribeInstancesCommand({ InstanceIds: [machineId] }), { abortSignal: signal }),
  );
  for (const { Instances, OwnerId } of answer.Reservations ?? []) {
    const instance = Instances?.find(({ InstanceId }) => InstanceId === machineId);
    if (instance) return { instance, ownerId: present(OwnerId, 'OwnerId', machineId) };
  }
  throw new PlatformError(
    'InstanceNotFound',
    `DescribeInstances ${machineId}: nothing found. Check the id, the region and the account of the worker.`,
  );
}

/** Ids of running machines that carry all these tags, in order. */
export async function selectMachines(
  { clients }: Ec2Context,
  tags: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const filters = [{ Name: 'instance-state-name', Values: ['running'] }, ...filterBy(tags)];
  const instances = await collect('DescribeInstances by tag', signal, async (NextToken) => {
    const command = new DescribeInstancesCommand({ Filters: filters, MaxResults: 100, NextToken });
    const page = await clients.ec2.send(command, { abortSignal: signal });
    return { items: page.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [], next: page.NextToken };
  });
  // In a filter `*` and `?` stand for any characters (API_Filter), in a tag for themselves.
  const isMeant = ({ Tags }: Instance) => {
    const own = tagRecord(Tags);
    return Object.entries(tags).every(([key, value]) => own[key] === value);
  };
  return instances
    .filter(isMeant)
    .flatMap(({ InstanceId }) => InstanceId ?? [])
    .sort();
}

async function bootFacts(context: Ec2Context, instance: Instance, signal: AbortSignal): Promise<BootFacts> {
  const id = present(instance.InstanceId, 'InstanceId', 'an instance');
  const bootMode = instance.BootMode ?? instance.CurrentInstanceBootMode;
  const usesUefi =
    bootMode !== undefined && bootMode !== 'legacy-bios' && instance.CurrentInstanceBootMode !== 'legacy-bios';
  const uefiData = usesUefi ? await readUefiData(context, id, signal) : undefined;
  return {
    architecture: present(instance.Architecture, 'Architecture', id),
    virtualization: present(instance.VirtualizationType, 'VirtualizationType', id),
    rootDeviceName: present(instance.RootDeviceName, 'RootDeviceName', id),
    enaSupport: instance.EnaSupport ?? false,
    platformDetails: instance.PlatformDetails ?? (instance.Platform === 'Windows' ? 'Windows' : 'Linux/UNIX'),
    metadataTokens: instance.MetadataOptions?.HttpTokens === 'optional' ? 'optional' : 'required',
    ...(bootMode !== undefined && { bootMode }),
    ...(instance.TpmSupport && { tpmSupport: instance.TpmSupport }),
    ...(uefiData && { uefiData }),
  };
}

async function readUefiData({ clients }: Ec2Context, id: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await call(`GetInstanceUefiData ${id}`, signal, () =>
      clients.ec2.send(new GetInstanceUefiDataCommand({ InstanceId: id }), { abortSignal: signal }),
    );
    return answer.UefiData;
  } catch (error) {
    // A machine that never stored a variable has none to give.
    if (['UnsupportedOperation', 'InvalidUefiData', 'Unsupported'].includes(awsName(error))) return undefined;
    throw error;
  }
}

async function volumeFacts(
  context: Ec2Context,
  instance: Instance,
  signal: AbortSignal,
): Promise<readonly VolumeFacts[]> {
  const devices = devicesOf(instance);
  if (devices.size === 0) return [];
  const answer = await call(`DescribeVolumes of ${instance.InstanceId}`, signal, () =>
    context.clients.ec2.send(new DescribeVolumesCommand({ VolumeIds: [...devices.keys()] }), { abortSignal: signal }),
  );
  return [...devices].map(([volumeId, deviceName]) => {
    const volume = answer.Volumes?.find(({ VolumeId }) => VolumeId === volumeId);
    return oneVolume(present(volume, 'description', volumeId), volumeId, deviceName, instance.RootDeviceName);
  });
}

function oneVolume(
  volume: Volume,
  volumeId: string,
  deviceName: string,
  rootDeviceName: string | undefined,
): VolumeFacts {
  return {
    volumeId,
    deviceName,
    bytes: present(volume.Size, 'Size', volumeId) * GIB,
    type: present(volume.VolumeType, 'VolumeType', volumeId),
    encrypted: volume.Encrypted ?? false,
    multiAttach: volume.MultiAttachEnabled ?? false,
    root: deviceName === rootDeviceName,
    ...(volume.Iops !== undefined && { iops: volume.Iops }),
    ...(volume.Throughput !== undefined && { throughput: volume.Throughput }),
    ...(volume.KmsKeyId !== undefined && { kmsKeyId: volume.KmsKeyId }),
  };
}

/** Device names by volume id. */
function devicesOf(instance: Instance): ReadonlyMap<string, string> {
  return new Map(
    (instance.BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }): [string, string][] =>
      DeviceName !== undefined && Ebs?.VolumeId !== undefined ? [[Ebs.VolumeId, DeviceName]] : [],
    ),
  );
}

/** An instance's own description lists only EBS devices; whether its type has others stands with the type. */
async function instanceStores(
  context: Ec2Context,
  instanceType: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const type = await findInstanceType(context, instanceType, signal);
  if (type?.InstanceStorageSupported !== true) return [];
  const disks = type.InstanceStorageInfo?.Disks ?? [];
  const names = disks.flatMap(({ Count = 1, SizeInGB, Type }) =>
    Array.from({ length: Count }, (_, n) =>
      `instance store ${n} (${SizeInGB ?? '?'} GB ${Type ?? ''})`.replace(' )', ')'),
    ),
  );
  return names.length > 0 ? names : ['instance store'];
}
