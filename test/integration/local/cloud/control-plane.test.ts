import { randomBytes } from 'node:crypto';
import { GetSnapshotBlockCommand, ListSnapshotBlocksCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeNatGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  DescribeVpcAttributeCommand,
  ModifyVpcAttributeCommand,
  MonitorInstancesCommand,
  RegisterImageCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from '@aws-sdk/client-ec2';
import {
  CreateKeyCommand,
  DecryptCommand,
  GenerateDataKeyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  BLOCK_BYTES,
  type CloudUnderTest,
  clientsFor,
  closedNetwork,
  completed,
  completeUpload,
  must,
  openNetwork,
  putBlock,
  ROOT_KEY,
  registerImage,
  startCloudUnderTest,
} from './cloud-under-test.ts';

const MOVER = { name: 'mover', accessKeyId: 'AKIDMOVER0000000', secretAccessKey: 'mover-secret-mover-secret' };
const NEVER_BOOTS: Pick<RunInstancesCommandInput, 'MinCount' | 'MaxCount'> = { MinCount: 1, MaxCount: 1 };

let cloud: CloudUnderTest;
let snapshotId: string;

beforeAll(async () => {
  cloud = await startCloudUnderTest({ keys: [ROOT_KEY, MOVER], describeLagMs: 0 });
  const { SnapshotId } = await cloud.ebs.send(
    new StartSnapshotCommand({ VolumeSize: 1, Tags: [{ Key: 'role', Value: 'image' }] }),
  );
  snapshotId = must(SnapshotId, 'SnapshotId');
  await completeUpload(
    cloud,
    snapshotId,
    new Map([[0, await putBlock(cloud, snapshotId, 0, randomBytes(BLOCK_BYTES))]]),
  );
  await completed(cloud, snapshotId);
});

afterAll(async () => {
  await cloud?.end();
});

test('whoever signs with an unknown key or a wrong secret is refused in the words of each service', async () => {
  const unknown = clientsFor(cloud.cloud.endpoint, { ...ROOT_KEY, accessKeyId: 'AKIDNOBODY' });
  await expect(unknown.ec2.send(new DescribeInstancesCommand({}))).rejects.toMatchObject({ name: 'AuthFailure' });
  await expect(unknown.kms.send(new CreateKeyCommand({}))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  });
  const wrong = clientsFor(cloud.cloud.endpoint, { ...ROOT_KEY, secretAccessKey: 'something else' });
  await expect(wrong.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: snapshotId }))).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  });
});

test('who am I is answered with the key’s name', async () => {
  const { Account, Arn } = await cloud.sts.send(new GetCallerIdentityCommand({}));
  expect({ Account, Arn }).toEqual({ Account: '000000000000', Arn: 'arn:aws:iam::000000000000:user/root' });
});

test('an action that is not implemented, and a parameter that would be ignored, are refused by name', async () => {
  await expect(
    cloud.ec2.send(new MonitorInstancesCommand({ InstanceIds: ['i-0123456789abcdef0'] })),
  ).rejects.toMatchObject({ name: 'InvalidAction' });
  const outpost = new CreateVolumeCommand({ AvailabilityZone: 'local-1a', Size: 1, OutpostArn: 'arn:aws:outposts:x' });
  await expect(cloud.ec2.send(outpost)).rejects.toMatchObject({
    name: 'UnsupportedOperation',
    message: expect.stringContaining('OutpostArn'),
  });
});

test('a dry run changes nothing and says so, and names what does not exist', async () => {
  const before = await volumeCount();
  const create = (SnapshotId: string) =>
    cloud.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'local-1a', SnapshotId, DryRun: true }));
  await expect(create(snapshotId)).rejects.toMatchObject({
    name: 'DryRunOperation',
    $metadata: { httpStatusCode: 412 },
  });
  await expect(create('snap-0123456789abcdef0')).rejects.toMatchObject({ name: 'InvalidSnapshot.NotFound' });
  expect(await volumeCount()).toBe(before);
});

test('a denial holds for one key, over restarts, until it is taken back', async () => {
  const mover = clientsFor(cloud.cloud.endpoint, MOVER);
  await deny([{ accessKeyId: MOVER.accessKeyId, actions: ['ebs:*', 'ec2:RunInstances'], resources: [snapshotId] }]);
  const list = (client: typeof mover) => client.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: snapshotId }));
  await expect(list(mover)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await cloud.restart();
  await expect(list(mover)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect((await list(cloud)).Blocks).toHaveLength(1);
  const imageId = await registerImage(cloud, 'denied', { '/dev/xvda': snapshotId });
  const { subnetId } = await closedNetwork(cloud, '10.9.0.0/24');
  const launch = mover.ec2.send(new RunInstancesCommand({ ...NEVER_BOOTS, ImageId: imageId, SubnetId: subnetId }));
  await expect(launch).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  await cloud.ec2.send(new DeregisterImageCommand({ ImageId: imageId }));
  await deny([]);
  expect((await list(mover)).Blocks).toHaveLength(1);
});

test('a block token belongs to one block of one snapshot', async () => {
  const { Blocks = [] } = await cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: snapshotId }));
  const other = new GetSnapshotBlockCommand({
    SnapshotId: snapshotId,
    BlockIndex: 1,
    BlockToken: Blocks[0]?.BlockToken,
  });
  await expect(cloud.ebs.send(other)).rejects.toMatchObject({
    name: 'ValidationException',
    Reason: 'INVALID_BLOCK_TOKEN',
  });
});

test('a second snapshot of a volume within 15 seconds is refused', async () => {
  const { VolumeId } = await cloud.ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: 'local-1a', SnapshotId: snapshotId }),
  );
  const first = await cloud.ec2.send(new CreateSnapshotCommand({ VolumeId }));
  await expect(cloud.ec2.send(new CreateSnapshotCommand({ VolumeId }))).rejects.toMatchObject({
    name: 'SnapshotCreationPerVolumeRateExceeded',
  });
  await completed(cloud, must(first.SnapshotId, 'SnapshotId'));
  const { Blocks } = await cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: first.SnapshotId }));
  expect(Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([0]);
});

test('an image holds its snapshots, and its name, until it is deregistered', async () => {
  const imageId = await registerImage(cloud, 'holder', { '/dev/xvda': snapshotId });
  await expect(cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId }))).rejects.toMatchObject({
    name: 'InvalidSnapshot.InUse',
  });
  await expect(registerImage(cloud, 'holder', { '/dev/xvda': snapshotId })).rejects.toMatchObject({
    name: 'InvalidAMIName.Duplicate',
  });
  const { Images } = await cloud.ec2.send(
    new DescribeImagesCommand({ Owners: ['self'], Filters: [{ Name: 'name', Values: ['hold*'] }] }),
  );
  expect(Images?.map(({ ImageId }) => ImageId)).toEqual([imageId]);
  await cloud.ec2.send(new DeregisterImageCommand({ ImageId: imageId }));
});

test('an image with AWS’s defaults is registered, but no machine starts from it', async () => {
  const mapping = { DeviceName: '/dev/xvda', Ebs: { SnapshotId: snapshotId } };
  const { ImageId } = await cloud.ec2.send(
    new RegisterImageCommand({ Name: 'defaults', RootDeviceName: '/dev/xvda', BlockDeviceMappings: [mapping] }),
  );
  const { Images } = await cloud.ec2.send(new DescribeImagesCommand({ ImageIds: [must(ImageId, 'ImageId')] }));
  expect(Images?.[0]).toMatchObject({ Architecture: 'i386', VirtualizationType: 'paravirtual', EnaSupport: false });
  const { subnetId } = await closedNetwork(cloud, '10.8.0.0/24');
  const launch = cloud.ec2.send(new RunInstancesCommand({ ...NEVER_BOOTS, ImageId, SubnetId: subnetId }));
  await expect(launch).rejects.toMatchObject({ name: 'UnsupportedOperation' });
  await cloud.ec2.send(new DeregisterImageCommand({ ImageId }));
});

test('one client token launches one machine; other parameters, a taken address and too much user data are refused', async () => {
  const ImageId = await registerImage(cloud, 'tokens', { '/dev/xvda': snapshotId });
  const { subnetId: SubnetId } = await closedNetwork(cloud, '10.7.0.0/24');
  const input = { ...NEVER_BOOTS, ImageId, SubnetId, ClientToken: 'one', PrivateIpAddress: '10.7.0.9' };
  const launch = async (changes: object) =>
    (await cloud.ec2.send(new RunInstancesCommand({ ...input, ...changes }))).Instances?.[0]?.InstanceId;
  const first = await launch({});
  expect(await launch({})).toBe(first);
  await expect(launch({ EbsOptimized: true })).rejects.toMatchObject({ name: 'IdempotentParameterMismatch' });
  await expect(launch({ ClientToken: 'two' })).rejects.toMatchObject({ name: 'InvalidIPAddress.InUse' });
  const UserData = Buffer.alloc(16_385).toString('base64');
  await expect(launch({ ClientToken: 'three', PrivateIpAddress: undefined, UserData })).rejects.toThrow(/16384/);
});

test('the control API makes an instance look like one that must not be backed up', async () => {
  const { Reservations = [] } = await cloud.ec2.send(new DescribeInstancesCommand({}));
  const id = must(Reservations[0]?.Instances?.[0]?.InstanceId, 'InstanceId');
  const facts = { productCodes: ['abc'], platform: 'windows', hibernation: true };
  await fetch(`${cloud.cloud.control}/v1/instances/${id}/facts`, { method: 'PUT', body: JSON.stringify(facts) });
  const after = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  expect(after.Reservations?.[0]?.Instances?.[0]).toMatchObject({
    Platform: 'Windows',
    HibernationOptions: { Configured: true },
    ProductCodes: [{ ProductCodeId: 'abc', ProductCodeType: 'marketplace' }],
  });
  const unknown = await fetch(`${cloud.cloud.control}/v1/instances/${id}/facts`, {
    method: 'PUT',
    body: '{"colour":"red"}',
  });
  expect(unknown.status).toBe(400);
});

test('pages of snapshots are complete, and tags find what carries them', async () => {
  const { VolumeId } = await cloud.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'local-1a', Size: 1 }));
  await cloud.ec2.send(
    new CreateTagsCommand({ Resources: [must(VolumeId, 'VolumeId')], Tags: [{ Key: 'understudy:run', Value: 'r1' }] }),
  );
  const { Volumes } = await cloud.ec2.send(
    new DescribeVolumesCommand({ Filters: [{ Name: 'tag:understudy:run', Values: ['r1'] }] }),
  );
  expect(Volumes?.map((volume) => volume.VolumeId)).toEqual([VolumeId]);
  const { Tags } = await cloud.ec2.send(
    new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [must(VolumeId, 'VolumeId')] }] }),
  );
  expect(Tags).toEqual([{ Key: 'understudy:run', ResourceId: VolumeId, ResourceType: 'volume', Value: 'r1' }]);
  const bogus = cloud.ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'volumeid', Values: ['x'] }] }));
  await expect(bogus).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  const seen = [];
  let NextToken: string | undefined;
  do {
    const page = await cloud.ec2.send(new DescribeVolumesCommand({ MaxResults: 5, NextToken }));
    seen.push(...(page.Volumes ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(seen.length).toBe(await volumeCount());
});

test('what isolates a subnet can be read: routes, groups, DNS, and gateways that do not exist', async () => {
  const open = await openNetwork(cloud, '10.6.0.0/24');
  const closed = await closedNetwork(cloud, '10.6.0.0/24');
  const routes = async (subnetId: string, vpcId: string) => {
    const own = await cloud.ec2.send(
      new DescribeRouteTablesCommand({ Filters: [{ Name: 'association.subnet-id', Values: [subnetId] }] }),
    );
    const main = [
      { Name: 'vpc-id', Values: [vpcId] },
      { Name: 'association.main', Values: ['true'] },
    ];
    const tables = own.RouteTables?.length
      ? own
      : await cloud.ec2.send(new DescribeRouteTablesCommand({ Filters: main }));
    return tables.RouteTables?.[0]?.Routes?.map(({ GatewayId }) => GatewayId?.replace(/-.*/, ''));
  };
  expect(await routes(open.subnetId, open.vpcId)).toEqual(['local', 'igw']);
  expect(await routes(closed.subnetId, closed.vpcId)).toEqual(['local']);
  const { SecurityGroups } = await cloud.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [closed.groupId] }));
  expect(SecurityGroups?.[0]).toMatchObject({ IpPermissions: [], IpPermissionsEgress: [] });
  await cloud.ec2.send(new ModifyVpcAttributeCommand({ VpcId: closed.vpcId, EnableDnsSupport: { Value: false } }));
  const dns = await cloud.ec2.send(
    new DescribeVpcAttributeCommand({ VpcId: closed.vpcId, Attribute: 'enableDnsSupport' }),
  );
  expect(dns.EnableDnsSupport).toEqual({ Value: false });
  expect(
    (await cloud.ec2.send(new DescribeNatGatewaysCommand({ Filter: [{ Name: 'vpc-id', Values: [closed.vpcId] }] })))
      .NatGateways,
  ).toEqual([]);
});

test('a data key opens only with its own encryption context and a usable key', async () => {
  const { KeyMetadata } = await cloud.kms.send(new CreateKeyCommand({}));
  const KeyId = must(KeyMetadata?.KeyId, 'KeyId');
  const EncryptionContext = { purpose: 'data', vault: 'v' };
  const made = await cloud.kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }));
  const decrypt = (context: Record<string, string>) =>
    cloud.kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: context }));
  expect((await decrypt({ vault: 'v', purpose: 'data' })).Plaintext).toEqual(made.Plaintext);
  await expect(decrypt({ purpose: 'meta', vault: 'v' })).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
  await cloud.kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
  await expect(decrypt(EncryptionContext)).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
});

test('every call is on record with what it named and how it failed', async () => {
  const start = await lastCall();
  await expect(cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: 'snap-0123456789abcdef0' }))).rejects.toThrow();
  await cloud.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
  const calls = await callsSince(start);
  expect(calls).toMatchObject([
    {
      service: 'ec2',
      action: 'DeleteSnapshot',
      accessKeyId: ROOT_KEY.accessKeyId,
      dryRun: false,
      snapshotIds: ['snap-0123456789abcdef0'],
      error: 'InvalidSnapshot.NotFound',
    },
    { service: 'ec2', action: 'DescribeSnapshots', snapshotIds: [snapshotId], instanceIds: [], volumeIds: [] },
  ]);
  expect(calls[1]).not.toHaveProperty('error');
});

async function volumeCount(): Promise<number> {
  const { Volumes = [] } = await cloud.ec2.send(new DescribeVolumesCommand({}));
  return Volumes.length;
}

async function deny(denials: object[]): Promise<void> {
  const answer = await fetch(`${cloud.cloud.control}/v1/denials`, { method: 'PUT', body: JSON.stringify(denials) });
  expect(answer.status).toBe(200);
}

async function callsSince(since: number): Promise<{ seq: number }[]> {
  const text = await (await fetch(`${cloud.cloud.control}/v1/calls?since=${since}`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { seq: number });
}

async function lastCall(): Promise<number> {
  return (await callsSince(0)).at(-1)?.seq ?? 0;
}
