import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { GetSnapshotBlockCommand, ListChangedBlocksCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs';
import {
  CreateSnapshotsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  GetConsoleOutputCommand,
  GetConsoleScreenshotCommand,
  type Instance,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToolchain } from '../../../../local/toolchain.ts';
import {
  type CloudUnderTest,
  closedNetwork,
  completed,
  eventually,
  must,
  openNetwork,
  readMachine,
  registerImage,
  startCloudUnderTest,
  uploadImage,
} from './cloud-under-test.ts';

let cloud: CloudUnderTest;
let production: string;
let capture: Record<string, string>;
let clone: string;
let ledger: Server;
/** Bodies of what machines posted to the outside. */
const posts: string[] = [];

beforeAll(async () => {
  ledger = await startLedger();
  const { port } = ledger.address() as AddressInfo;
  cloud = await startCloudUnderTest({ snapshots: { spacingMs: 0 }, stopGraceMs: 60_000, ledgerPort: port });
  const { guest } = readToolchain();
  const snapshots = {
    '/dev/xvda': await uploadImage(cloud, guest.root),
    '/dev/sdf': await uploadImage(cloud, guest.data),
  };
  await completed(cloud, ...Object.values(snapshots));
  const imageId = await registerImage(cloud, 'production', snapshots);
  const { subnetId, groupId } = await openNetwork(cloud, '10.20.1.0/24');
  production = await launch(imageId, { SubnetId: subnetId, Groups: [groupId], PrivateIpAddress: '10.20.1.77' });
});

afterAll(async () => {
  await cloud?.end();
  ledger?.close();
});

test('a machine boots from its own root volume and its database answers through the opening that group and route make', async () => {
  await stateOf(production, 'running');
  expect(await eventually('PostgreSQL', () => postgresAnswers(production))).toBe('yes');
  expect(await eventually('a post', async () => posts.find((body) => body.includes(production)))).toContain('"seq"');
});

test('a running machine is captured at one instant by one transaction, and its snapshots cannot be read before they are complete', async () => {
  const { Snapshots = [] } = await cloud.ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: production }, Description: 'capture' }),
  );
  expect(new Set(Snapshots.map(({ StartTime }) => StartTime?.getTime())).size).toBe(1);
  const [first] = Snapshots;
  await expect(cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: first?.SnapshotId }))).rejects.toThrow(
    /pending/,
  );
  await completed(cloud, ...Snapshots.map(({ SnapshotId }) => must(SnapshotId, 'SnapshotId')));
  const devices = await devicesOf(production);
  capture = Object.fromEntries(
    Snapshots.map(({ VolumeId = '', SnapshotId = '' }) => [must(devices[VolumeId], VolumeId), SnapshotId]),
  );
  const commands = (await calls()).filter(
    ({ service, instanceIds }) => service === 'machine' && instanceIds.includes(production),
  );
  expect(commands.map(({ action }) => action)).toEqual(['qmp:start', 'qmp:transaction']);
});

test('a clone without a route boots, reads its user data and powers itself off, which the API tells from a stop', async () => {
  const imageId = await registerImage(cloud, 'clone', capture);
  const { subnetId, groupId } = await closedNetwork(cloud, '10.20.1.0/24');
  const script = cloneScript((ledger.address() as AddressInfo).port);
  clone = await launch(imageId, { SubnetId: subnetId, Groups: [groupId], PrivateIpAddress: '10.20.1.77' }, script);
  await stateOf(clone, 'running');
  expect((await readMachine(cloud, clone)).ports).toEqual({});
  const { ImageData } = await cloud.ec2.send(new GetConsoleScreenshotCommand({ InstanceId: clone }));
  expect(Buffer.from(must(ImageData, 'ImageData'), 'base64').subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  const stopped = await stateOf(clone, 'stopped');
  expect(stopped.StateReason?.Code).toBe('Client.InstanceInitiatedShutdown');
  const { Output } = await cloud.ec2.send(new GetConsoleOutputCommand({ InstanceId: clone }));
  const text = Buffer.from(must(Output, 'Output'), 'base64').toString();
  expect(text).toContain(`UNDERSTUDY marker ${clone}`);
  expect(text).toMatch(/UNDERSTUDY dmi Amazon EC2 ec2[0-9a-f]{5}-/);
  expect(text).toContain('Power down');
  expect(text.match(/UNDERSTUDY reach .*/g)).toEqual([
    expect.stringMatching(/^UNDERSTUDY reach metadata yes/),
    expect.stringMatching(/^UNDERSTUDY reach ledger no/),
    expect.stringMatching(/^UNDERSTUDY reach host no/),
  ]);
  expect(posts.filter((body) => body.includes(clone))).toEqual([]);
});

test('the stopped clone is captured too, and the changes since the capture are those blocks and no others', async () => {
  const { Snapshots = [] } = await cloud.ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: clone } }),
  );
  await completed(cloud, ...Snapshots.map(({ SnapshotId }) => must(SnapshotId, 'SnapshotId')));
  const devices = await devicesOf(clone);
  for (const { SnapshotId = '', VolumeId = '' } of Snapshots) {
    const before = must(capture[must(devices[VolumeId], VolumeId)], 'capture');
    const { ChangedBlocks = [] } = await cloud.ebs.send(
      new ListChangedBlocksCommand({ FirstSnapshotId: before, SecondSnapshotId: SnapshotId }),
    );
    expect(ChangedBlocks.length).toBeGreaterThan(0);
    const [old, now] = [await digests(before), await digests(SnapshotId)];
    expect(ChangedBlocks.length).toBeLessThan(now.size);
    const changed = new Set(ChangedBlocks.map(({ BlockIndex }) => BlockIndex));
    const differing = [...now.keys()].filter((block) => now.get(block) !== old.get(block));
    expect(differing.filter((block) => !changed.has(block))).toEqual([]);
  }
});

test('a cloud that is killed finds its running machine again and has lost nothing', async () => {
  const before = await readMachine(cloud, production);
  await cloud.restart();
  const after = await readMachine(cloud, production);
  expect(after).toEqual(before);
  expect(await eventually('PostgreSQL', () => postgresAnswers(production))).toBe('yes');
  const { Snapshots = [] } = await cloud.ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: production } }),
  );
  await completed(cloud, ...Snapshots.map(({ SnapshotId }) => must(SnapshotId, 'SnapshotId')));
});

test('a guest that powers itself off while the cloud is down is not taken for a crash', async () => {
  await cloud.ec2.send(new StartInstancesCommand({ InstanceIds: [clone] }));
  await stateOf(clone, 'running');
  const { serialFile } = await readMachine(cloud, clone);
  const count = (text: string) => readFileSync(serialFile, 'utf8').split(text).length - 1;
  await eventually('the second boot', async () => (count('boot complete') === 2 ? 'yes' : undefined));
  await cloud.cloud.stop('SIGKILL');
  // Init listens to the button a moment after the boot is complete; a press before that is lost, as on a real machine.
  await eventually('the press', async () => {
    await pressPowerButton(clone);
    return count('power button pressed') > 0 ? 'yes' : undefined;
  });
  await eventually('the second power-off', async () => (count('Power down') === 2 ? 'yes' : undefined));
  await cloud.restart();
  expect((await stateOf(clone, 'stopped')).StateReason?.Code).toBe('Client.InstanceInitiatedShutdown');
});

async function askMetadata(path: string): Promise<{ status: number; body: string }> {
  const port = readFileSync(join(cloud.stateDir, 'm', `${production}.imds-port`), 'utf8').trim();
  const url = `http://127.0.0.1:${port}/latest`;
  const wish = { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } };
  const token = await (await fetch(`${url}/api/token`, wish)).text();
  const answer = await fetch(`${url}/${path}`, { headers: { 'x-aws-ec2-metadata-token': token } });
  return { status: answer.status, body: await answer.text() };
}

test('a guest that asks its metadata for a name of the prototype gets nothing, and the cloud lives', async () => {
  const ask = async (name: string) => (await askMetadata(`meta-data/${name}`)).status;
  expect([await ask('constructor'), await ask('__proto__'), await ask('instance-id')]).toEqual([404, 404, 200]);
});

test('a guest that walks through its metadata, as cloud-init does, finds the identity document', async () => {
  expect((await askMetadata('dynamic/')).body).toBe('instance-identity/');
  expect((await askMetadata('dynamic/instance-identity')).body).toBe('document');
  const document = await askMetadata('dynamic/instance-identity/document');
  expect(JSON.parse(document.body)).toMatchObject({ instanceId: production });
});

test('a power cut is the host’s failure, and the machine starts again', async () => {
  await fetch(`${cloud.cloud.control}/v1/instances/${production}/power-cut`, { method: 'POST' });
  expect((await stateOf(production, 'stopped')).StateReason?.Code).toBe('Server.InternalError');
  await cloud.ec2.send(new StartInstancesCommand({ InstanceIds: [production] }));
  await stateOf(production, 'running');
  expect(await eventually('PostgreSQL', () => postgresAnswers(production))).toBe('yes');
});

test('StopInstances presses the power button, and the API says the same whether the guest followed or not', async () => {
  await cloud.ec2.send(new StopInstancesCommand({ InstanceIds: [production] }));
  expect((await stateOf(production, 'stopped')).StateReason?.Code).toBe('Client.UserInitiatedShutdown');
  const { serialFile } = await readMachine(cloud, production);
  expect(readFileSync(serialFile, 'utf8')).toContain('Power down');
});

test('terminating removes the machine, its interface and the volumes that go with it', async () => {
  await cloud.ec2.send(new TerminateInstancesCommand({ InstanceIds: [production, clone] }));
  for (const id of [production, clone]) await stateOf(id, 'terminated');
  const { Volumes } = await cloud.ec2.send(new DescribeVolumesCommand({}));
  expect(Volumes).toEqual([]);
});

/** Says on the console whom it reaches, the metadata service first to show that the probe works; then powers off. */
function cloneScript(hostPort: number): string {
  return `#!/bin/sh
say() { echo "<2>UNDERSTUDY $*" >/dev/kmsg; }
reach() { if timeout 3 nc $2 $3 </dev/null >/dev/null 2>&1; then say reach $1 yes; else say reach $1 no; fi; }
say marker $(cat /run/instance-id)
say dmi $(cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_uuid)
reach metadata 169.254.169.254 80
reach ledger 203.0.113.10 8080
reach host 10.20.1.1 ${hostPort}
sync
poweroff
`;
}

async function startLedger(): Promise<Server> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    posts.push(body);
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function launch(
  ImageId: string,
  card: { SubnetId: string; Groups: string[]; PrivateIpAddress: string },
  userData?: string,
) {
  const { Instances } = await cloud.ec2.send(
    new RunInstancesCommand({
      ImageId,
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      NetworkInterfaces: [{ DeviceIndex: 0, ...card }],
      InstanceInitiatedShutdownBehavior: 'stop',
      ...(userData !== undefined && { UserData: Buffer.from(userData).toString('base64') }),
    }),
  );
  return must(Instances?.[0]?.InstanceId, 'InstanceId');
}

/** By its monitor, which is free while no cloud runs. */
function pressPowerButton(id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(cloud.stateDir, 'm', `${id}.qmp`), () => {
      socket.write('{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n');
    });
    let answers = '';
    socket.on('error', reject).on('data', (bytes) => {
      answers += String(bytes);
      if (answers.split('"return"').length < 3) return;
      socket.destroy();
      resolve();
    });
  });
}

function stateOf(id: string, state: string): Promise<Instance> {
  return eventually(`${id} ${state}`, async () => {
    const { Reservations } = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    const instance = Reservations?.[0]?.Instances?.[0];
    return instance?.State?.Name === state ? instance : undefined;
  });
}

async function devicesOf(id: string): Promise<Record<string, string>> {
  const { Reservations } = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const mappings = Reservations?.[0]?.Instances?.[0]?.BlockDeviceMappings ?? [];
  return Object.fromEntries(
    mappings.map(({ Ebs, DeviceName }) => [must(Ebs?.VolumeId, 'VolumeId'), must(DeviceName, 'DeviceName')]),
  );
}

/** A start-up packet gets an answer only from a server that takes sessions: the forwarding alone accepts everything. */
async function postgresAnswers(id: string): Promise<'yes' | undefined> {
  const port = must((await readMachine(cloud, id)).ports['5432'], 'port 5432');
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      const parameters = Buffer.from('user\0understudy\0database\0postgres\0\0');
      const head = Buffer.alloc(8);
      head.writeUInt32BE(parameters.length + 8, 0);
      head.writeUInt32BE(196_608, 4);
      socket.write(Buffer.concat([head, parameters]));
    });
    const end = (answer: 'yes' | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    // 57P03: "the database system is starting up".
    socket.once('data', (bytes) => end(bytes.includes('57P03') ? undefined : 'yes'));
  });
}

async function calls() {
  const text = await (await fetch(`${cloud.cloud.control}/v1/calls`)).text();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { service: string; action: string; instanceIds: string[] });
}

async function digests(SnapshotId: string): Promise<Map<number, string>> {
  const { Blocks = [] } = await cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));
  const found = new Map<number, string>();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let block = Blocks.pop(); block !== undefined; block = Blocks.pop()) {
        const { BlockIndex, BlockToken } = block;
        const answer = await cloud.ebs.send(new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }));
        await answer.BlockData?.transformToByteArray();
        found.set(must(BlockIndex, 'BlockIndex'), must(answer.Checksum, 'Checksum'));
      }
    }),
  );
  return found;
}
