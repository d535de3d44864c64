import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToolchain } from '../../../../local/toolchain.ts';
import {
  BLOCK_BYTES,
  type CloudUnderTest,
  closedNetwork,
  completed,
  completeUpload,
  must,
  putBlock,
  ROOT_KEY,
  registerImage,
  startCloudUnderTest,
} from './cloud-under-test.ts';

const SCRIPT = fileURLToPath(new URL('./boto3_smoke.py', import.meta.url));

let cloud: CloudUnderTest;

beforeAll(async () => {
  cloud = await startCloudUnderTest({ describeLagMs: 0 });
});

afterAll(async () => {
  await cloud?.end();
});

test('boto3 talks to the cloud unchanged: EC2, EBS direct, KMS, Systems Manager and STS', async () => {
  const { SnapshotId } = await cloud.ebs.send(new StartSnapshotCommand({ VolumeSize: 1 }));
  const id = must(SnapshotId, 'SnapshotId');
  await completeUpload(cloud, id, new Map([[1, await putBlock(cloud, id, 1, randomBytes(BLOCK_BYTES))]]));
  await completed(cloud, id);
  const image = await registerImage(cloud, 'boto3', { '/dev/xvda': id });
  const { subnetId } = await closedNetwork(cloud, '10.5.0.0/24');
  const { accessKeyId, secretAccessKey } = ROOT_KEY;
  const args = [SCRIPT, cloud.cloud.endpoint, 'local-1', accessKeyId, secretAccessKey, id, image, subnetId];
  const { stdout } = await promisify(execFile)(readToolchain().boto3Python, args);
  expect(stdout.trim()).toBe('ok');
});
