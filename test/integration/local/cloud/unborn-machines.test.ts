import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartSnapshotCommand } from '@aws-sdk/client-ebs';
import {
  DescribeInstancesCommand,
  GetConsoleScreenshotCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMachine } from '../../../../local/cloud/machines/qemu-process.ts';
import {
  BLOCK_BYTES,
  type CloudUnderTest,
  closedNetwork,
  completed,
  completeUpload,
  eventually,
  must,
  putBlock,
  registerImage,
  startCloudUnderTest,
} from './cloud-under-test.ts';

/** A start goes through files, ports, process and monitor in about 200 ms here: these moments meet all four. */
const MOMENTS_MS = [0, 15, 30, 45, 60, 80, 100, 130];

let cloud: CloudUnderTest;
let network: { SubnetId: string; ImageId: string };

beforeAll(async () => {
  // Nothing boots: the least memory will do.
  const instanceTypes = { 't3.nano': { vcpus: 1, memoryMiB: 128 } };
  cloud = await startCloudUnderTest({ describeLagMs: 0, instanceTypes });
  const { SnapshotId } = await cloud.ebs.send(new StartSnapshotCommand({ VolumeSize: 1 }));
  const id = must(SnapshotId, 'SnapshotId');
  await completeUpload(cloud, id, new Map([[0, await putBlock(cloud, id, 0, randomBytes(BLOCK_BYTES))]]));
  await completed(cloud, id);
  const { subnetId } = await closedNetwork(cloud, '10.30.0.0/24');
  network = { SubnetId: subnetId, ImageId: await registerImage(cloud, 'unborn', { '/dev/xvda': id }) };
});

afterAll(async () => {
  await cloud?.end();
});

test('a machine that is terminated while it is being launched ends, at whatever moment, and leaves no process', async () => {
  for (const moment of MOMENTS_MS) {
    const id = await launch();
    await sleep(moment);
    await expectTerminates(id);
  }
});

test('a machine that is terminated while it is being started again is terminated, not stopped', async () => {
  const ids = await Promise.all(MOMENTS_MS.map(launch));
  for (const id of ids) await stateOf(id, 'running');
  await cloud.ec2.send(new StopInstancesCommand({ InstanceIds: ids, Force: true }));
  for (const id of ids) await stateOf(id, 'stopped');
  for (const [at, id] of ids.entries()) {
    await cloud.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
    await sleep(MOMENTS_MS[at]);
    await expectTerminates(id);
  }
});

test('screenshots that are asked for at once are all answered, and leave no file', async () => {
  const id = await launch();
  await stateOf(id, 'running');
  const look = () => cloud.ec2.send(new GetConsoleScreenshotCommand({ InstanceId: id }));
  // Rounds: two that share a file meet in most of them, not in each.
  for (let round = 0; round < 3; round++) {
    const images = await Promise.all(Array.from({ length: 12 }, look));
    for (const { ImageData } of images) expect(must(ImageData, 'ImageData')).toMatch(/^\/9j\//); // a JPEG's first bytes
  }
  expect(readdirSync(join(cloud.stateDir, 'm')).filter((name) => name.endsWith('.ppm'))).toEqual([]);
});

async function launch(): Promise<string> {
  const size = { InstanceType: 't3.nano', MinCount: 1, MaxCount: 1 } as const;
  const { Instances } = await cloud.ec2.send(new RunInstancesCommand({ ...network, ...size }));
  return must(Instances?.[0]?.InstanceId, 'InstanceId');
}

async function expectTerminates(id: string): Promise<void> {
  await cloud.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  await stateOf(id, 'terminated');
  expect(findMachine(id, cloud.stateDir)).toBeUndefined();
}

async function stateOf(id: string, wanted: string): Promise<void> {
  // A lost termination never comes: ten seconds are fifty times what a machine takes to end.
  await eventually(
    `${id} ${wanted}`,
    async () => {
      const { Reservations } = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
      const state = Reservations?.[0]?.Instances?.[0]?.State?.Name;
      if (state !== wanted) throw new Error(`it is ${state}`);
      return state;
    },
    10_000,
  );
}
