import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompleteSnapshotCommand, EBSClient, PutSnapshotBlockCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  RegisterImageCommand,
  RevokeSecurityGroupEgressCommand,
} from '@aws-sdk/client-ec2';
import { KMSClient } from '@aws-sdk/client-kms';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import type { SettingsInput } from '../../../../local/cloud/settings.ts';
import { type RunningCloud, startCloud } from '../../../../local/cloud/start.ts';
import { readToolchain } from '../../../../local/toolchain.ts';

export const BLOCK_BYTES = 524_288;
// Frozen: the SDK notes on credentials where they came from, and files share this module. Clients get copies.
export const ROOT_KEY: Readonly<Record<'name' | 'accessKeyId' | 'secretAccessKey', string>> = Object.freeze({
  name: 'root',
  accessKeyId: 'AKIDROOT00000000',
  secretAccessKey: 'root-secret-root-secret',
});

export interface CloudUnderTest {
  readonly stateDir: string;
  readonly settings: SettingsInput;
  cloud: RunningCloud;
  ec2: EC2Client;
  ebs: EBSClient;
  kms: KMSClient;
  ssm: SSMClient;
  sts: STSClient;
  /** SIGKILL and start again on the same folder. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

export async function startCloudUnderTest(changes: Partial<SettingsInput> = {}): Promise<CloudUnderTest> {
  const { qemu, accel, guest } = readToolchain();
  const stateDir = mkdtempSync(join(tmpdir(), 'understudy-cloud-'));
  const settings: SettingsInput = {
    keys: [ROOT_KEY],
    qemu: { system: qemu.system, img: qemu.img, accel: accel === 'kvm' ? 'kvm' : 'tcg,thread=multi' },
    relay: guest.busybox,
    // Stricter than the lab: the product has to bear that what it made is unknown for a while.
    lookupLagMs: changes.describeLagMs ?? 100,
    ...changes,
  };
  const cloud = await startCloud({ stateDir, settings });
  const test: CloudUnderTest = {
    stateDir,
    settings,
    cloud,
    ...clientsFor(cloud.endpoint, ROOT_KEY),
    async restart() {
      await test.cloud.stop('SIGKILL');
      test.cloud = await startCloud({ stateDir });
    },
    async end() {
      await test.cloud.stopAll();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
  return test;
}

export function clientsFor(endpoint: string, { accessKeyId, secretAccessKey }: typeof ROOT_KEY) {
  const options = { endpoint, region: 'local-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
  return {
    ec2: new EC2Client(options),
    ebs: new EBSClient({ ...options, requestHandler: { httpAgent: { maxSockets: 64 } } }),
    kms: new KMSClient(options),
    ssm: new SSMClient(options),
    sts: new STSClient(options),
  };
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The value that `read` finds, once it is there; past the limit the last thing seen goes into the error. */
export async function eventually<T>(what: string, read: () => Promise<T | undefined>, limitMs = 120_000): Promise<T> {
  const deadline = Date.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await read();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`, { cause: last });
    await sleep(100);
  }
}

/** A required member of an AWS answer. */
export function must<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the answer lacks ${name}`);
  return value;
}

export async function completed({ ec2 }: Pick<CloudUnderTest, 'ec2'>, ...ids: string[]): Promise<void> {
  await eventually(`${ids.join(', ')} completed`, async () => {
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: ids }));
    const failed = Snapshots.find(({ State }) => State === 'error');
    if (failed !== undefined) return failed.SnapshotId;
    return Snapshots.every(({ State }) => State === 'completed') ? 'yes' : undefined;
  });
}

/** Uploads a sparse image as a snapshot, as a restore does: only blocks that are not all zero. */
export async function uploadImage({ ebs }: Pick<CloudUnderTest, 'ebs'>, file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { SnapshotId } = await ebs.send(new StartSnapshotCommand({ VolumeSize: Math.ceil(size / 2 ** 30) }));
    const id = must(SnapshotId, 'SnapshotId');
    const digests = new Map<number, Buffer>();
    const blocks = dataBlocks(file);
    const worker = async () => {
      for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
        const bytes = Buffer.alloc(BLOCK_BYTES);
        await handle.read(bytes, 0, BLOCK_BYTES, block * BLOCK_BYTES);
        digests.set(block, await putBlock({ ebs }, id, block, bytes));
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    await completeUpload({ ebs }, id, digests);
    return id;
  } finally {
    await handle.close();
  }
}

/** Blocks that a sparse raw file holds: reading its holes would take most of the time. */
function dataBlocks(file: string): number[] {
  const map = execFileSync(readToolchain().qemu.img, ['map', '--output=json', '-f', 'raw', file], {
    maxBuffer: 2 ** 26,
  });
  const extents = JSON.parse(map.toString()) as { start: number; length: number; data: boolean }[];
  const blocks = new Set<number>();
  for (const { start, length } of extents.filter(({ data }) => data)) {
    for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < start + length; block++) blocks.add(block);
  }
  return [...blocks];
}

export async function putBlock(
  { ebs }: Pick<CloudUnderTest, 'ebs'>,
  id: string,
  block: number,
  bytes: Buffer,
): Promise<Buffer> {
  const digest = sha256(bytes);
  await ebs.send(
    new PutSnapshotBlockCommand({
      SnapshotId: id,
      BlockIndex: block,
      BlockData: bytes,
      DataLength: bytes.length,
      Checksum: digest.toString('base64'),
      ChecksumAlgorithm: 'SHA256',
    }),
  );
  return digest;
}

export async function completeUpload(
  { ebs }: Pick<CloudUnderTest, 'ebs'>,
  id: string,
  digests: ReadonlyMap<number, Buffer>,
) {
  const inOrder = [...digests].sort(([a], [b]) => a - b).map(([, digest]) => digest);
  await ebs.send(
    new CompleteSnapshotCommand({
      SnapshotId: id,
      ChangedBlocksCount: digests.size,
      Checksum: sha256(Buffer.concat(inOrder)).toString('base64'),
      ChecksumAlgorithm: 'SHA256',
      ChecksumAggregationMethod: 'LINEAR',
    }),
  );
}

export interface Network {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly groupId: string;
}

/** A subnet with a way out and open client ports. */
export async function openNetwork({ ec2 }: Pick<CloudUnderTest, 'ec2'>, cidr: string): Promise<Network> {
  const network = await bareNetwork({ ec2 }, cidr);
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const gatewayId = must(InternetGateway?.InternetGatewayId, 'InternetGatewayId');
  await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: network.vpcId }));
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId: network.vpcId }));
  const RouteTableId = must(RouteTable?.RouteTableId, 'RouteTableId');
  await ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId: gatewayId }));
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId: network.subnetId }));
  const open = (port: number) => ({
    IpProtocol: 'tcp',
    FromPort: port,
    ToPort: port,
    IpRanges: [{ CidrIp: '0.0.0.0/0' }],
  });
  await ec2.send(
    new AuthorizeSecurityGroupIngressCommand({ GroupId: network.groupId, IpPermissions: [open(5432), open(6379)] }),
  );
  return network;
}

/** A subnet without any route out, and a group without rules. */
export async function closedNetwork({ ec2 }: Pick<CloudUnderTest, 'ec2'>, cidr: string): Promise<Network> {
  const network = await bareNetwork({ ec2 }, cidr);
  const everything = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: network.groupId, IpPermissions: everything }));
  return network;
}

async function bareNetwork({ ec2 }: Pick<CloudUnderTest, 'ec2'>, cidr: string): Promise<Network> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: cidr }));
  const vpcId = must(Vpc?.VpcId, 'VpcId');
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: cidr }));
  const group = { GroupName: 'test', Description: 'test', VpcId: vpcId };
  const { GroupId } = await ec2.send(new CreateSecurityGroupCommand(group));
  return { vpcId, subnetId: must(Subnet?.SubnetId, 'SubnetId'), groupId: must(GroupId, 'GroupId') };
}

export async function registerImage(
  { ec2 }: Pick<CloudUnderTest, 'ec2'>,
  name: string,
  snapshots: Record<string, string>,
): Promise<string> {
  const { ImageId } = await ec2.send(
    new RegisterImageCommand({
      Name: name,
      Architecture: 'x86_64',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      RootDeviceName: '/dev/xvda',
      BlockDeviceMappings: Object.entries(snapshots).map(([DeviceName, SnapshotId]) => ({
        DeviceName,
        Ebs: { SnapshotId, VolumeType: 'gp3', DeleteOnTermination: true },
      })),
    }),
  );
  return must(ImageId, 'ImageId');
}

export async function readMachine({ cloud }: Pick<CloudUnderTest, 'cloud'>, instanceId: string) {
  const answer = await fetch(`${cloud.control}/v1/instances/${instanceId}`);
  return (await answer.json()) as {
    state: string;
    pid: number | null;
    ports: Record<string, number>;
    serialFile: string;
  };
}
