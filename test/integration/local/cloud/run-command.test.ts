import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateVpcEndpointCommand,
  DescribeInstancesCommand,
  ModifyVpcAttributeCommand,
  RevokeSecurityGroupEgressCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToolchain } from '../../../../local/toolchain.ts';
import {
  type CloudUnderTest,
  closedNetwork,
  completed,
  eventually,
  must,
  type Network,
  registerImage,
  startCloudUnderTest,
  uploadImage,
} from './cloud-under-test.ts';

let cloud: CloudUnderTest;
let network: Network;
let doorGroup: string;
let node: string;

beforeAll(async () => {
  cloud = await startCloudUnderTest({ describeLagMs: 0 });
  const { guest } = readToolchain();
  const snapshots = {
    '/dev/xvda': await uploadImage(cloud, guest.root),
    '/dev/sdf': await uploadImage(cloud, guest.data),
  };
  await completed(cloud, ...Object.values(snapshots));
  const imageId = await registerImage(cloud, 'node', snapshots);
  network = await closedNetwork(cloud, '10.30.0.0/24');
  doorGroup = await openDoors();
  node = await launch(imageId);
});

afterAll(() => cloud?.end());

test('a machine is no managed node before its agent was heard, and SendCommand refuses it', async () => {
  expect(await nodes()).toEqual([]);
  await expect(send('true')).rejects.toMatchObject({ name: 'InvalidInstanceId' });
});

test('its agent registers it by the endpoints of its network', async () => {
  // A boot under emulation beside two other machines' takes a minute.
  const found = await eventually('the node', async () => (await nodes())[0], 150_000);
  expect(found).toMatchObject({ InstanceId: node, PingStatus: 'Online', PlatformType: 'Linux' });
  const others = [{ Key: 'InstanceIds', Values: ['i-0123456789abcdef0'] }];
  const answer = await cloud.ssm.send(new DescribeInstanceInformationCommand({ Filters: others }));
  expect(answer.InstanceInformationList).toEqual([]);
});

test('a command runs as root, once, and its ends and outputs come back cut as AWS cuts them', async () => {
  const script = ['id -u', 'echo ran >>/run/ran', 'head -c 30000 /dev/zero | tr "\\0" x', 'echo why >&2', 'exit 3'];
  const { CommandId } = await send(...script);
  // The command is not known at once, as on AWS.
  await expect(invocation(CommandId)).rejects.toMatchObject({ name: 'InvocationDoesNotExist' });
  const done = await ended(CommandId);
  expect(done).toMatchObject({ Status: 'Failed', ResponseCode: 3, StandardErrorContent: 'why\n' });
  expect(done.StandardOutputContent).toBe(`0\n${'x'.repeat(23_998)}`);
});

test('a cloud that is killed while a command runs hears its end, and nothing ran twice', async () => {
  const { CommandId } = await send('echo ran >>/run/ran', 'sleep 4', 'wc -l </run/ran');
  await status(CommandId, 'InProgress');
  await cloud.restart();
  const done = await ended(CommandId);
  expect(done.Status).toBe('Success');
  // Both tests' commands, once each.
  expect(done.StandardOutputContent?.trim()).toBe('2');
  const starts = (await calls()).filter(({ action }) => action === 'qmp:ssm-start');
  expect(starts.map(({ instanceIds }) => instanceIds)).toEqual([[node], [node]]);
});

test('a running command is cancelled, and may end in its own order', async () => {
  const { CommandId } = await send('trap "echo in order; exit 0" TERM', 'sleep 300 & wait');
  await status(CommandId, 'InProgress');
  await cloud.ssm.send(new CancelCommandCommand({ CommandId, InstanceIds: [node] }));
  const done = await status(CommandId, 'Cancelled');
  expect(done.StandardOutputContent).toBe('in order\n');
});

test('a command over its time is ended', async () => {
  const { CommandId } = await sendWith({ commands: ['sleep 300'], executionTimeout: ['2'] });
  expect(await ended(CommandId)).toMatchObject({ Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut' });
});

test('commands are listed by machine and comment, newest first, in pages', async () => {
  const first = await cloud.ssm.send(new ListCommandsCommand({ InstanceId: node, MaxResults: 3 }));
  const { NextToken } = first;
  const second = await cloud.ssm.send(new ListCommandsCommand({ InstanceId: node, MaxResults: 3, NextToken }));
  const all = [...(first.Commands ?? []), ...(second.Commands ?? [])];
  expect(all.map(({ Status }) => Status)).toEqual(['TimedOut', 'Cancelled', 'Success', 'Failed']);
  expect(all.every(({ Comment }) => Comment === 'a test')).toBe(true);
  const details = new ListCommandInvocationsCommand({ CommandId: all[2]?.CommandId, Details: true });
  const { CommandInvocations = [] } = await cloud.ssm.send(details);
  expect(CommandInvocations[0]?.CommandPlugins?.[0]).toMatchObject({ Name: 'aws:runShellScript', Output: '2\n' });
});

test('what would leave by S3 or CloudWatch, other documents and another text of this one are refused by name', async () => {
  const input = { InstanceIds: [node], DocumentName: 'AWS-RunShellScript', Parameters: { commands: ['true'] } };
  await expect(cloud.ssm.send(new SendCommandCommand({ ...input, OutputS3BucketName: 'bucket' }))).rejects.toThrow(
    /OutputS3BucketName/,
  );
  const config = { CloudWatchOutputEnabled: true };
  await expect(cloud.ssm.send(new SendCommandCommand({ ...input, CloudWatchOutputConfig: config }))).rejects.toThrow(
    /CloudWatchOutputConfig/,
  );
  await expect(cloud.ssm.send(new SendCommandCommand({ ...input, DocumentName: 'other' }))).rejects.toMatchObject({
    name: 'InvalidDocument',
  });
  const pinned = { ...input, DocumentVersion: '1', DocumentHash: 'a'.repeat(64), DocumentHashType: 'Sha256' } as const;
  await expect(cloud.ssm.send(new SendCommandCommand(pinned))).rejects.toMatchObject({ name: 'InvalidDocument' });
});

test('denials cover Systems Manager, by the machine and its tags', async () => {
  await putDenials([{ actions: ['ssm:SendCommand'], tags: { role: 'node' } }]);
  await expect(send('true')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await putDenials([]);
  const { CommandId } = await send('true');
  expect((await ended(CommandId)).Status).toBe('Success');
});

test('a group that no longer lets the machine reach the endpoints takes it away', async () => {
  const rule = toDoors();
  await cloud.ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: network.groupId, IpPermissions: rule }));
  await expect(send('true')).rejects.toMatchObject({ name: 'InvalidInstanceId' });
});

/** Both endpoints, with a group of their own that the machine's may talk to; answers with that group. */
async function openDoors(): Promise<string> {
  const { vpcId, subnetId, groupId } = network;
  for (const attribute of ['EnableDnsSupport', 'EnableDnsHostnames'] as const) {
    await cloud.ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, [attribute]: { Value: true } }));
  }
  const group = { GroupName: 'doors', Description: 'of the endpoints', VpcId: vpcId };
  doorGroup = must((await cloud.ec2.send(new CreateSecurityGroupCommand(group))).GroupId, 'GroupId');
  await cloud.ec2.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: doorGroup,
      IpPermissions: [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: groupId }] }],
    }),
  );
  await cloud.ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: groupId, IpPermissions: toDoors() }));
  for (const service of ['ssm', 'ssmmessages']) {
    await cloud.ec2.send(
      new CreateVpcEndpointCommand({
        VpcEndpointType: 'Interface',
        VpcId: vpcId,
        ServiceName: `com.amazonaws.local-1.${service}`,
        SubnetIds: [subnetId],
        SecurityGroupIds: [doorGroup],
        PrivateDnsEnabled: true,
      }),
    );
  }
  return doorGroup;
}

function toDoors() {
  return [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId: doorGroup }] }];
}

async function launch(ImageId: string): Promise<string> {
  const { Instances } = await cloud.ec2.send(
    new RunInstancesCommand({
      ImageId,
      MinCount: 1,
      MaxCount: 1,
      NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: network.subnetId, Groups: [network.groupId] }],
      IamInstanceProfile: { Name: 'understudy-isolated' },
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'role', Value: 'node' }] }],
    }),
  );
  const id = must(Instances?.[0]?.InstanceId, 'InstanceId');
  const { Reservations } = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  expect(Reservations?.[0]?.Instances?.[0]?.IamInstanceProfile?.Arn).toMatch(/:instance-profile\/understudy-isolated$/);
  return id;
}

async function nodes() {
  const { InstanceInformationList = [] } = await cloud.ssm.send(new DescribeInstanceInformationCommand({}));
  return InstanceInformationList;
}

function send(...commands: string[]) {
  return sendWith({ commands });
}

async function sendWith(Parameters: Record<string, string[]>) {
  const input = { InstanceIds: [node], DocumentName: 'AWS-RunShellScript', Comment: 'a test', Parameters };
  const { Command } = await cloud.ssm.send(new SendCommandCommand(input));
  return { CommandId: must(Command?.CommandId, 'CommandId') };
}

function invocation(CommandId: string): Promise<GetCommandInvocationCommandOutput> {
  return cloud.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node }));
}

function status(CommandId: string, wanted: string) {
  return eventually(`${CommandId} ${wanted}`, async () => {
    const found = await invocation(CommandId);
    return found.Status === wanted ? found : undefined;
  });
}

function ended(CommandId: string) {
  return eventually(`the end of ${CommandId}`, async () => {
    const found = await invocation(CommandId);
    return ['Pending', 'InProgress'].includes(found.Status ?? '') ? undefined : found;
  });
}

async function putDenials(denials: object[]): Promise<void> {
  const answer = await fetch(`${cloud.cloud.control}/v1/denials`, { method: 'PUT', body: JSON.stringify(denials) });
  expect(answer.status).toBe(200);
}

async function calls() {
  const text = await (await fetch(`${cloud.cloud.control}/v1/calls`)).text();
  const lines = text.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { action: string; instanceIds: string[] });
}
