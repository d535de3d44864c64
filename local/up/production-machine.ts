import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  type EC2Client,
  type Instance,
  RegisterImageCommand,
  RunInstancesCommand,
  StartInstancesCommand,
} from '@aws-sdk/client-ec2';
import { byName, must, named } from './named.ts';
import type { ProductionNetwork } from './networks.ts';
import { waitUntil } from './wait-until.ts';

/** An orderly stop that is under way ends within two minutes; a start needs seconds. */
const STATE_LIMIT_MS = 150_000;
const ROOT_DEVICE = '/dev/xvda';
const DATA_DEVICE = '/dev/sdf';
const NAME = 'production';

export interface ProductionWish {
  readonly imageId: string;
  readonly instanceType: string;
  readonly network: ProductionNetwork;
}

export interface ProductionMachine {
  readonly instanceId: string;
  readonly volumeIds: readonly string[];
}

export interface ImageWish {
  /** Unique in the account. */
  readonly name: string;
  readonly rootSnapshotId: string;
  readonly dataSnapshotId: string;
}

export async function ensureImage(
  ec2: EC2Client,
  { name, rootSnapshotId, dataSnapshotId }: ImageWish,
): Promise<string> {
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'], Filters: byName(name) }));
  if (Images[0]) return must(Images[0].ImageId, 'ImageId');
  const { ImageId } = await ec2.send(
    new RegisterImageCommand({
      Name: name,
      Architecture: 'x86_64',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      BootMode: 'legacy-bios',
      RootDeviceName: ROOT_DEVICE,
      BlockDeviceMappings: [
        { DeviceName: ROOT_DEVICE, Ebs: { SnapshotId: rootSnapshotId, VolumeType: 'gp3', DeleteOnTermination: true } },
        { DeviceName: DATA_DEVICE, Ebs: { SnapshotId: dataSnapshotId, VolumeType: 'gp3', DeleteOnTermination: true } },
      ],
      TagSpecifications: named('image', name),
    }),
  );
  return must(ImageId, 'ImageId');
}

/** The running production machine: found, started again, or launched. */
export async function ensureProduction(ec2: EC2Client, wish: ProductionWish): Promise<ProductionMachine> {
  const instanceId = (await findProduction(ec2))?.InstanceId ?? (await launch(ec2, wish));
  const running = await waitUntil(
    async () => {
      const instance = await findProduction(ec2);
      if (instance?.State?.Name === 'stopped') await ec2.send(new StartInstancesCommand({ InstanceIds: [instanceId] }));
      return instance?.State?.Name === 'running' ? instance : undefined;
    },
    { what: `${instanceId} is running`, limitMs: STATE_LIMIT_MS },
  );
  const volumeIds = (running.BlockDeviceMappings ?? []).map(({ Ebs }) => must(Ebs?.VolumeId, 'VolumeId'));
  return { instanceId, volumeIds };
}

/** Undefined when there is none that still exists. */
export async function findProduction(ec2: EC2Client): Promise<Instance | undefined> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: byName(NAME) }));
  return Reservations.flatMap(({ Instances = [] }) => Instances).find(({ State }) => isThere(State?.Name));
}

function isThere(state: string | undefined): boolean {
  return state !== 'terminated' && state !== 'shutting-down';
}

async function launch(ec2: EC2Client, { imageId, instanceType, network }: ProductionWish): Promise<string> {
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      ImageId: imageId,
      // The cloud's own names; the SDK's list is closed.
      InstanceType: instanceType as 't3.small',
      MinCount: 1,
      MaxCount: 1,
      // The same launch again after a lost reply or a kill, and never a second machine of the same image.
      ClientToken: `production-${imageId}`,
      SubnetId: network.subnetId,
      SecurityGroupIds: [network.securityGroupId],
      MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
      // `backup: nightly` is what the lab's plan selects by.
      TagSpecifications: [...named('instance', NAME, { backup: 'nightly' }), ...named('volume', `${NAME}-volume`)],
    }),
  );
  return must(Instances[0]?.InstanceId, 'InstanceId');
}
