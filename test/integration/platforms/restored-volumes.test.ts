import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeSnapshotsCommand, DescribeVolumesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestBlock } from '../../../src/activities/digest-block.ts';
import { judgeRun } from '../../../src/activities/judge-run.ts';
import type { SnapshotFacts } from '../../../src/contract/machine.ts';
import { createEc2Platform } from '../../../src/platforms/ec2/platform.ts';
import type { Platform } from '../../../src/platforms/platform.ts';
import { BLOCK_BYTES, WrittenBlocks } from '../../../src/vault/index.ts';
import { machineFacts } from '../../support/fake-activities.ts';
import { type CloudUnderTest, clientsFor, ROOT_KEY, startCloudUnderTest } from '../local/cloud/cloud-under-test.ts';

const NEVER = new AbortController().signal;
const RUN = {
  runId: '20261124T000000Z-00000001',
  deploymentId: '3f1c2a60-51f2-4f6e-9f0a-5b1c2d3e4f50',
  workflowId: 'restore/p/r',
  temporalRunId: 't',
  sourceId: 'i-0123456789abcdef0',
  expiresAt: '2026-11-30T00:00:00.000Z',
};

let cloud: CloudUnderTest;
let platform: Platform;
beforeAll(async () => {
  cloud = await startCloudUnderTest({ snapshots: { spacingMs: 0 } });
  const { endpoint } = cloud.cloud;
  const once = new EC2Client({ endpoint, region: 'local-1', credentials: { ...ROOT_KEY }, maxAttempts: 1 });
  const clients = clientsFor(endpoint, ROOT_KEY);
  platform = createEc2Platform({
    clients: { ...clients, ec2Once: once, ssmOnce: clients.ssm },
    clock: () => new Date(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    log: () => {},
  });
}, 60_000);
afterAll(() => cloud?.end());

test('a restored volume is made once, stays when its snapshot goes, and no sweeper takes it', async () => {
  // Prepare
  const [volume] = machineFacts(RUN.sourceId).volumes;
  if (!volume) throw new TypeError('the machine has volumes');
  const sink = await platform.openSink(
    { run: RUN, role: 'restored', name: volume.volumeId, volumeBytes: volume.bytes, encryption: 'none' },
    NEVER,
  );
  const block = new Uint8Array(BLOCK_BYTES).fill(7);
  const written = new WrittenBlocks();
  written.add(3, digestBlock(block));
  await sink.write(3, block, digestBlock(block), NEVER);
  const { ref } = await sink.complete(written, NEVER);
  const snapshot: SnapshotFacts = {
    snapshotId: ref,
    sourceVolumeId: volume.volumeId,
    volumeId: volume.volumeId,
    bytes: volume.bytes,
    state: 'completed',
    percent: 100,
    encrypted: false,
  };
  // Act
  const request = { run: RUN, volume, snapshot, zone: 'local-1a' };
  const made = await platform.createVolume(request, NEVER);
  expect(await platform.createVolume(request, NEVER)).toEqual(made);
  const removal = { run: RUN, done: true, keepCapture: false, replacedCaptures: 'keep', keepRestored: true } as const;
  expect(await platform.removeRunResources(removal, NEVER)).toEqual([]);
  // Assess
  const [left] = await platform.findRuns(RUN.deploymentId, NEVER);
  expect(left?.resources.map(({ kind, id, role }) => [kind, id, role])).toEqual([
    ['volume', made.volumeId, 'restored'],
  ]);
  if (!left) throw new TypeError('the volume is there');
  expect(judgeRun(left, { status: 'over', now: Date.now(), keeper: undefined })).toMatchObject({ action: 'keep' });
  const { Volumes = [] } = await cloud.ec2.send(new DescribeVolumesCommand({ VolumeIds: [made.volumeId] }));
  expect(Volumes[0]).toMatchObject({ State: 'available', Size: 1, VolumeType: 'gp3' });
  // A restore that failed leaves nothing.
  await platform.removeRunResources({ ...removal, done: false, keepRestored: false }, NEVER);
  expect(await platform.findRuns(RUN.deploymentId, NEVER)).toEqual([]);
});

test("what is restored is encrypted with the key that an alias names, or with the account's default key", async () => {
  const { KeyMetadata } = await cloud.kms.send(new CreateKeyCommand({}));
  await cloud.kms.send(new CreateAliasCommand({ AliasName: 'alias/dr', TargetKeyId: KeyMetadata?.KeyId }));
  for (const [encryption, KeyId] of [
    [{ kmsKeyId: 'alias/dr' }, 'alias/dr'],
    ['default', 'alias/aws/ebs'],
  ] as const) {
    const request = { run: RUN, role: 'restored', name: KeyId, volumeBytes: 2 ** 30, encryption } as const;
    const { ref } = await (await platform.openSink(request, NEVER)).complete(new WrittenBlocks(), NEVER);
    const { Snapshots = [] } = await cloud.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [ref] }));
    const { KeyMetadata: key } = await cloud.kms.send(new DescribeKeyCommand({ KeyId }));
    expect(Snapshots[0]).toMatchObject({ Encrypted: true, KmsKeyId: key?.Arn });
  }
});
