import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, expect, test } from 'vitest';
import { createEc2Clients } from '../../../../src/platforms/ec2/clients.ts';
import { launch } from '../../../../src/platforms/ec2/launch.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;
const request = {
  run,
  role: 'clone',
  attempt: 1,
  like: {
    machineId: 'i-production',
    accountId: '1',
    region: 'x-1',
    zone: 'x-1a',
    state: 'running',
    instanceType: 'm7i.large',
    privateAddress: '10.0.0.77',
    networkId: 'vpc-p',
    subnetId: 'subnet-p',
    tags: { Owner: 'somebody' },
    boot: {
      architecture: 'x86_64',
      virtualization: 'hvm',
      rootDeviceName: '/dev/xvda',
      enaSupport: true,
      platformDetails: 'Linux/UNIX',
      metadataTokens: 'required',
    },
    volumes: [
      {
        volumeId: 'vol-1',
        deviceName: '/dev/xvda',
        bytes: 2 ** 30,
        type: 'gp3',
        encrypted: false,
        multiAttach: false,
        root: true,
      },
      {
        volumeId: 'vol-2',
        deviceName: '/dev/xvdf',
        bytes: 2 ** 30,
        type: 'io2',
        iops: 9_000,
        encrypted: false,
        multiAttach: false,
        root: false,
      },
    ],
    uncapturedDevices: [],
    productCodes: [],
  },
  snapshots: ['vol-1', 'vol-2'].map(
    (id) =>
      ({
        snapshotId: `snap-${id}`,
        sourceVolumeId: id,
        volumeId: id,
        bytes: 2 ** 30,
        state: 'completed',
        percent: 100,
        encrypted: false,
      }) as const,
  ),
  scratchSnapshotId: 'snap-scratch',
  isolation: {
    name: 'main',
    kind: 'sealed',
    vpcId: 'vpc-1',
    subnetId: 'subnet-1',
    verifySubnetId: 'subnet-2',
    securityGroupId: 'sg-1',
    acceptNotChecked: [],
    fallbackInstanceTypes: ['m6i.large', 'm5.large'],
  },
  userData: new TextEncoder().encode('#!/bin/sh\n'),
} as const;

let server: Server | undefined;
afterEach(() => void server?.close());

const TAGS = `<tagSet>${Object.entries({ deployment: 'deployment', run: run.runId, role: 'clone', attempt: '1' })
  .map(([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`)
  .join('')}</tagSet>`;
const instance = (state: string, type: string, group = 'sg-1', reason = '') =>
  `<item><instancesSet><item><instanceId>i-clone</instanceId><instanceType>${type}</instanceType><instanceState><name>${state}</name></instanceState><stateReason><code>${reason}</code></stateReason>
  <placement><availabilityZone>x-1a</availabilityZone></placement><networkInterfaceSet><item><subnetId>subnet-1</subnetId><groupSet><item><groupId>${group}</groupId></item></groupSet></item></networkInterfaceSet>${TAGS}</item></instancesSet></item>`;
const endedInstance = (id: string, hour: number) =>
  `<item><instancesSet><item><instanceId>${id}</instanceId><instanceState><name>terminated</name></instanceState>
  <launchTime>2026-11-23T0${hour}:00:00.000Z</launchTime>${TAGS}</item></instancesSet></item>`;
const volume = (id: string, device: string) =>
  `<item><volumeId>${id}</volumeId><attachmentSet><item><instanceId>i-clone</instanceId><device>${device}</device></item></attachmentSet></item>`;

interface Answers {
  /** One per RunInstances, by instance type: an error name, or undefined for success. */
  readonly refuse?: Readonly<Record<string, string>>;
  readonly group?: string;
  /** Types that go from pending to terminated for want of capacity. */
  readonly givenUp?: readonly string[];
  /** Machines of this launch that have ended and still show. */
  readonly ended?: readonly string[];
  /** So many tokens belong to machines that have ended and show no more. */
  readonly spentTokens?: number;
}

/** Answers as EC2 does, as far as a launch asks; remembers what was asked. */
async function ec2({ refuse = {}, group, givenUp = [], ended = [], spentTokens = 0 }: Answers) {
  const calls: URLSearchParams[] = [];
  let type: string | undefined;
  server = createServer(async (incoming, response) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    const fields = new URLSearchParams(text);
    calls.push(fields);
    const action = fields.get('Action') ?? '';
    const wanted = fields.get('InstanceType') ?? '';
    const isSpent = calls.filter((call) => call.get('Action') === 'RunInstances').length <= spentTokens;
    const refusal = refuse[wanted] ?? (isSpent ? 'IdempotentInstanceTerminated' : undefined);
    const error = action === 'RunInstances' ? refusal : undefined;
    if (error) {
      return void response
        .writeHead(500)
        .end(
          `<Response><Errors><Error><Code>${error}</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>`,
        );
    }
    if (action === 'RunInstances') type = wanted;
    if (action === 'TerminateInstances') type = undefined;
    const isRegistered = calls.some((call) => call.get('Action') === 'RegisterImage');
    const state = givenUp.includes(type ?? '') ? 'terminated' : 'running';
    const bodies: Record<string, string> = {
      DescribeImages: isRegistered
        ? `<imagesSet><item><imageId>ami-1</imageId><name>understudy-${run.runId}-clone</name><imageState>available</imageState>${TAGS}</item></imagesSet>`
        : '',
      RegisterImage: '<imageId>ami-1</imageId>',
      DescribeSubnets:
        '<subnetSet><item><subnetId>subnet-1</subnetId><cidrBlock>10.0.0.0/24</cidrBlock></item></subnetSet>',
      RunInstances: '<instancesSet><item><instanceId>i-clone</instanceId></item></instancesSet>',
      DescribeInstances: `<reservationSet>${ended.map(endedInstance).join('')}${
        type ? instance(state, type, group, 'Server.InsufficientInstanceCapacity') : ''
      }</reservationSet>`,
      DescribeVolumes: `<volumeSet>${volume('vol-a', '/dev/xvda')}${volume('vol-b', '/dev/xvdf')}${volume('vol-s', '/dev/sdg')}</volumeSet>`,
    };
    response.writeHead(200).end(`<${action}Response>${bodies[action] ?? ''}</${action}Response>`);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new EC2Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'x-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  });
  const context = {
    clients: { ...createEc2Clients('x-1'), ec2: client, ec2Once: client },
    clock: () => new Date(0),
    sleep: () => Promise.resolve(),
    log: () => {},
    random: () => 0.5,
  };
  return { context, of: (action: string) => calls.filter((call) => call.get('Action') === action) };
}

test('a machine is launched as its source is, apart from what would connect, reserve or select it', async () => {
  const { context, of } = await ec2({});
  const machine = await launch(context, request, NEVER);
  expect(machine.volumes).toEqual({ 'vol-1': 'vol-a', 'vol-2': 'vol-b', scratch: 'vol-s' });
  const [launched] = of('RunInstances');
  const fields = Object.fromEntries(launched ?? []);
  expect(fields).toMatchObject({
    InstanceType: 'm7i.large',
    InstanceInitiatedShutdownBehavior: 'stop',
    'NetworkInterface.1.SubnetId': 'subnet-1',
    'NetworkInterface.1.SecurityGroupId.1': 'sg-1',
    'NetworkInterface.1.AssociatePublicIpAddress': 'false',
    'NetworkInterface.1.PrivateIpAddress': '10.0.0.77',
    'BlockDeviceMapping.1.DeviceName': '/dev/sdg',
    'BlockDeviceMapping.1.Ebs.SnapshotId': 'snap-scratch',
    'MetadataOptions.InstanceMetadataTags': 'disabled',
    'CapacityReservationSpecification.CapacityReservationPreference': 'none',
  });
  expect(Object.keys(fields).filter((name) => /KeyName|IamInstanceProfile/.test(name))).toEqual([]);
  expect(String(launched)).not.toContain('somebody');
  const types = ['1', '2', '3'].map((n) => fields[`TagSpecification.${n}.ResourceType`]);
  expect(types).toEqual(['instance', 'volume', 'network-interface']);
});

test('the image names every field that EC2 would otherwise guess, and no encryption', async () => {
  const { context, of } = await ec2({});
  await launch(context, request, NEVER);
  const fields = Object.fromEntries(of('RegisterImage')[0] ?? []);
  expect(fields).toMatchObject({
    Architecture: 'x86_64',
    VirtualizationType: 'hvm',
    EnaSupport: 'true',
    'BlockDeviceMapping.2.Ebs.VolumeType': 'gp3',
  });
  expect(Object.keys(fields).filter((name) => /Encrypted|KmsKeyId|VolumeSize|Iops/.test(name))).toEqual([]);
});

test.each([
  { what: 'refused for want of capacity', answers: { refuse: { 'm7i.large': 'InsufficientInstanceCapacity' } } },
  { what: 'given up by EC2 after it was accepted', answers: { givenUp: ['m7i.large'] } },
  { what: 'not offered in this zone', answers: { refuse: { 'm7i.large': 'Unsupported' } } },
])('a type that is $what gives way to the next, under a token of its own', async ({ answers }) => {
  const { context, of } = await ec2(answers);
  expect((await launch(context, request, NEVER)).instanceType).toBe('m6i.large');
  expect(of('RunInstances').map((call) => call.get('InstanceType'))).toEqual(['m7i.large', 'm6i.large']);
  const tokens = of('RunInstances').map((call) => call.get('ClientToken') ?? '');
  expect(new Set(tokens).size).toBe(2);
  expect(tokens.every((token) => token.length <= 64)).toBe(true);
});

const [FULL, LIMIT, ODD] = ['InsufficientInstanceCapacity', 'VcpuLimitExceeded', 'Unsupported'] as const;

test.each([
  { refusals: [FULL, FULL, FULL], code: 'InsufficientCapacity', status: 'transient' },
  { refusals: [LIMIT, FULL, ODD], code: 'InsufficientCapacity', status: 'transient' },
  { refusals: [ODD, LIMIT, ODD], code: 'LaunchRefused', status: 'permanent' },
])('types refused by $refusals end in $code with the reason of each', async ({ refusals, code, status }) => {
  const types = ['m7i.large', 'm6i.large', 'm5.large'];
  const { context, of } = await ec2({ refuse: Object.fromEntries(types.map((type, n) => [type, refusals[n] ?? ''])) });
  const named = types.map((type, n) => `${type} (${refusals[n]})`).join(', ');
  await expect(launch(context, request, NEVER)).rejects.toMatchObject({
    code,
    status,
    message: expect.stringContaining(named),
  });
  expect(of('RunInstances')).toHaveLength(3);
});

test('a launch after a machine of it has ended asks for another one, and asks the same way when it is repeated', async () => {
  const tokens = [];
  for (const ended of [[], ['i-dead'], ['i-dead'], ['i-dead', 'i-dead-too']]) {
    const { context, of } = await ec2({ ended });
    expect((await launch(context, request, NEVER)).machineId).toBe('i-clone');
    tokens.push(of('RunInstances')[0]?.get('ClientToken'));
    server?.close();
  }
  expect(tokens[1]).toBe(tokens[2]);
  expect(new Set(tokens).size).toBe(3);
});

test('tokens of ended machines that show no more are passed over', async () => {
  const { context, of } = await ec2({ spentTokens: 2 });
  expect((await launch(context, request, NEVER)).instanceType).toBe('m7i.large');
  expect(new Set(of('RunInstances').map((call) => call.get('ClientToken'))).size).toBe(3);
});

test('machines that end again and again are lost: somebody ends them, and the launch says so', async () => {
  const { context, of } = await ec2({ spentTokens: 100 });
  await expect(launch(context, request, NEVER)).rejects.toMatchObject({ code: 'MachineLost' });
  expect(of('RunInstances').length).toBeLessThan(10);
});

test('a machine that EC2 connected otherwise than asked is ended at once', async () => {
  const { context, of } = await ec2({ group: 'sg-open' });
  await expect(launch(context, request, NEVER)).rejects.toMatchObject({ code: 'IsolationBroken' });
  expect(of('TerminateInstances').map((call) => call.get('InstanceId.1'))).toEqual(['i-clone']);
});
