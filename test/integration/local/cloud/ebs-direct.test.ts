import { hash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CompleteSnapshotCommand,
  GetSnapshotBlockCommand,
  ListChangedBlocksCommand,
  ListSnapshotBlocksCommand,
  StartSnapshotCommand,
} from '@aws-sdk/client-ebs';
import { CreateVolumeCommand, DeleteSnapshotCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { snapshotData } from '../../../../local/cloud/storage/layout.ts';
import {
  BLOCK_BYTES,
  type CloudUnderTest,
  completed,
  completeUpload,
  eventually,
  must,
  putBlock,
  sha256,
  startCloudUnderTest,
} from './cloud-under-test.ts';

let cloud: CloudUnderTest;

beforeAll(async () => {
  cloud = await startCloudUnderTest({ ebs: { notFoundAfterStartMs: 0, checkMs: 300 } });
});

afterAll(async () => {
  await cloud?.end();
});

test('what is put comes back, block by block, with its checksum, and survives a kill in the middle of the upload', async () => {
  const blocks = new Map([1, 7, 2_000].map((block) => [block, randomBytes(BLOCK_BYTES)]));
  const id = await start({ VolumeSize: 1 });
  const digests = new Map<number, Buffer>();
  for (const [block, bytes] of blocks) {
    digests.set(block, await putBlock(cloud, id, block, bytes));
    if (block === 7) await cloud.restart();
  }
  await completeUpload(cloud, id, digests);
  await completed(cloud, id);
  await cloud.restart();
  const { Blocks = [], VolumeSize, BlockSize } = await list(id);
  expect({ VolumeSize, BlockSize }).toEqual({ VolumeSize: 1, BlockSize: BLOCK_BYTES });
  expect(Blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([1, 7, 2_000]);
  for (const { BlockIndex = 0, BlockToken } of Blocks) {
    const answer = await cloud.ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex, BlockToken }));
    const bytes = await must(answer.BlockData, 'BlockData').transformToByteArray();
    expect(sha256(bytes)).toEqual(digests.get(BlockIndex));
    expect(answer.Checksum).toBe(digests.get(BlockIndex)?.toString('base64'));
  }
});

test('a block of zeros that was put is listed, one that was not is absent', async () => {
  const id = await uploaded({ VolumeSize: 1 }, new Map([[3, Buffer.alloc(BLOCK_BYTES)]]));
  const { Blocks } = await list(id);
  expect(Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([3]);
  const { blocks: sectors } = await stat(snapshotData(cloud.stateDir, id));
  expect(sectors).toBe(0); // zeros take no room on the disk
});

test('a raw image on this host becomes the content of an upload past the API, and its holes stay holes', async () => {
  // Prepare: pieces of noise among zeros, at the beginning, in the middle and at the end of blocks.
  const folder = await mkdtemp(join(cloud.stateDir, 'given-'));
  const file = join(folder, 'disk.img');
  const head = Buffer.alloc(3 * BLOCK_BYTES);
  for (const at of [0, BLOCK_BYTES + 200_000, 3 * BLOCK_BYTES - 5]) randomBytes(5).copy(head, at);
  const image = await open(file, 'w');
  await image.truncate(2 ** 30);
  for (const at of [0, BLOCK_BYTES + 200_000, 3 * BLOCK_BYTES - 5]) await image.write(head, at, 5, at);
  await image.close();
  const id = await start({ VolumeSize: 1 });
  // Act
  const url = `${cloud.cloud.control}/v1/snapshots/${id}`;
  const given = await fetch(`${url}/image`, { method: 'PUT', body: JSON.stringify({ file }) });
  await cloud.ebs.send(new CompleteSnapshotCommand({ SnapshotId: id, ChangedBlocksCount: 2048 }));
  await completed(cloud, id);
  // Assess
  expect(await given.json()).toEqual({ blocks: 2048 });
  const stored = await fetch(`${url}/digests?from=0&to=4`);
  const digests = [0, 1, 2].map((index) =>
    hash('sha256', head.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES)),
  );
  expect(await stored.json()).toEqual([...digests, hash('sha256', Buffer.alloc(BLOCK_BYTES))]);
  const { blocks: sectors } = await stat(snapshotData(cloud.stateDir, id));
  expect(sectors * 512).toBeLessThanOrEqual(3 * 16_384);
});

test('a raw image of another size than the volume is refused, and stays where it is', async () => {
  const folder = await mkdtemp(join(cloud.stateDir, 'given-'));
  const file = join(folder, 'small.img');
  await writeFile(file, 'small');
  const id = await start({ VolumeSize: 1 });
  const url = `${cloud.cloud.control}/v1/snapshots/${id}/image`;
  const refused = await fetch(url, { method: 'PUT', body: JSON.stringify({ file }) });
  expect(refused.status).toBe(400);
  expect(JSON.stringify(await refused.json())).toContain('small.img has 5 bytes, not 1 GiB');
  expect(await readFile(file, 'utf8')).toBe('small');
});

test('pages hold what MaxResults says, at least 100, and go on where they ended', async () => {
  const bytes = randomBytes(BLOCK_BYTES);
  const id = await uploaded({ VolumeSize: 1 }, new Map(Array.from({ length: 150 }, (_, index) => [index * 3, bytes])));
  const first = await cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, MaxResults: 5 }));
  expect(first.Blocks).toHaveLength(100);
  const second = await cloud.ebs.send(
    new ListSnapshotBlocksCommand({ SnapshotId: id, MaxResults: 5, NextToken: first.NextToken }),
  );
  expect(second.Blocks).toHaveLength(50);
  expect(second.NextToken).toBeUndefined();
  const later = await cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id, StartingBlockIndex: 301 }));
  expect(later.Blocks?.[0]?.BlockIndex).toBe(303);
});

test('listing a snapshot again ends the block tokens of the listing before', async () => {
  const id = await uploaded({ VolumeSize: 1 }, new Map([[0, randomBytes(BLOCK_BYTES)]]));
  const { Blocks: old = [] } = await list(id);
  const { Blocks: current = [] } = await list(id);
  const get = (BlockToken: string | undefined) =>
    cloud.ebs.send(new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex: 0, BlockToken }));
  await expect(get(old[0]?.BlockToken)).rejects.toMatchObject({
    name: 'ValidationException',
    Reason: 'INVALID_BLOCK_TOKEN',
  });
  expect((await get(current[0]?.BlockToken)).DataLength).toBe(BLOCK_BYTES);
});

test('a child lists its parent’s blocks too, and its changes are exactly what was put into it', async () => {
  const parent = await uploaded(
    { VolumeSize: 1 },
    new Map([
      [0, randomBytes(BLOCK_BYTES)],
      [1, randomBytes(BLOCK_BYTES)],
    ]),
  );
  const child = await uploaded(
    { VolumeSize: 1, ParentSnapshotId: parent },
    new Map([
      [1, randomBytes(BLOCK_BYTES)],
      [9, randomBytes(BLOCK_BYTES)],
    ]),
  );
  expect((await list(child)).Blocks?.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1, 9]);
  const { ChangedBlocks = [] } = await cloud.ebs.send(
    new ListChangedBlocksCommand({ FirstSnapshotId: parent, SecondSnapshotId: child }),
  );
  expect(ChangedBlocks.map(({ BlockIndex, FirstBlockToken }) => [BlockIndex, FirstBlockToken !== undefined])).toEqual([
    [1, true],
    [9, false],
  ]);
});

test('snapshots without a common lineage have no changes but an error', async () => {
  const bytes = randomBytes(BLOCK_BYTES);
  const [a, b] = [
    await uploaded({ VolumeSize: 1 }, new Map([[0, bytes]])),
    await uploaded({ VolumeSize: 1 }, new Map([[0, bytes]])),
  ];
  const changes = cloud.ebs.send(new ListChangedBlocksCommand({ FirstSnapshotId: a, SecondSnapshotId: b }));
  await expect(changes).rejects.toMatchObject({ name: 'ValidationException', Reason: 'UNRELATED_SNAPSHOTS' });
});

test.each([
  { wrong: 'count', count: 2, checksum: undefined },
  { wrong: 'checksum', count: 1, checksum: sha256(Buffer.from('other')).toString('base64') },
])('a wrong $wrong is accepted at once and ends in the state error afterwards', async ({ count, checksum }) => {
  const id = await start({ VolumeSize: 1 });
  await putBlock(cloud, id, 0, randomBytes(BLOCK_BYTES));
  const { Status } = await cloud.ebs.send(
    new CompleteSnapshotCommand({
      SnapshotId: id,
      ChangedBlocksCount: count,
      ...(checksum !== undefined && {
        Checksum: checksum,
        ChecksumAlgorithm: 'SHA256',
        ChecksumAggregationMethod: 'LINEAR',
      }),
    }),
  );
  expect(Status).toBe('pending');
  const state = await eventually('the verdict', async () => {
    const { Snapshots } = await cloud.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    const [snapshot] = Snapshots ?? [];
    return snapshot?.State === 'pending' ? undefined : snapshot?.State;
  });
  expect(state).toBe('error');
});

test('data that does not match its checksum is refused', async () => {
  const id = await start({ VolumeSize: 1 });
  const bytes = randomBytes(BLOCK_BYTES);
  const { PutSnapshotBlockCommand } = await import('@aws-sdk/client-ebs');
  const put = new PutSnapshotBlockCommand({
    SnapshotId: id,
    BlockIndex: 0,
    BlockData: bytes,
    DataLength: BLOCK_BYTES,
    Checksum: sha256(Buffer.from('x')).toString('base64'),
    ChecksumAlgorithm: 'SHA256',
  });
  await expect(cloud.ebs.send(put)).rejects.toMatchObject({ name: 'ValidationException' });
});

test('one client token makes one snapshot, and with other parameters a conflict', async () => {
  const ClientToken = randomBytes(8).toString('hex');
  const first = await start({ VolumeSize: 1, ClientToken });
  expect(await start({ VolumeSize: 1, ClientToken })).toBe(first);
  await expect(start({ VolumeSize: 2, ClientToken })).rejects.toMatchObject({ name: 'ConflictException' });
});

test('encryption needs a usable key, is inherited by volumes, and cannot be named together with a parent', async () => {
  const { KeyMetadata } = await cloud.kms.send(new CreateKeyCommand({}));
  const KmsKeyArn = must(KeyMetadata?.Arn, 'Arn');
  const id = await uploaded({ VolumeSize: 1, Encrypted: true, KmsKeyArn }, new Map([[0, randomBytes(BLOCK_BYTES)]]));
  const volume = await cloud.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'local-1a', SnapshotId: id }));
  expect({ Encrypted: volume.Encrypted, KmsKeyId: volume.KmsKeyId }).toEqual({ Encrypted: true, KmsKeyId: KmsKeyArn });
  const anotherKey = { AvailabilityZone: 'local-1a', SnapshotId: id, Encrypted: true, KmsKeyId: 'alias/aws/ebs' };
  await expect(cloud.ec2.send(new CreateVolumeCommand(anotherKey))).rejects.toThrow(
    /another key than that of its snapshot/,
  );
  await expect(start({ VolumeSize: 1, ParentSnapshotId: id, Encrypted: true, KmsKeyArn })).rejects.toMatchObject({
    name: 'ValidationException',
  });
  await cloud.kms.send(new DisableKeyCommand({ KeyId: KmsKeyArn }));
  await expect(list(id)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await cloud.kms.send(new EnableKeyCommand({ KeyId: KmsKeyArn }));
  expect((await list(id)).Blocks).toHaveLength(1);
});

test('a deleted parent leaves its children readable', async () => {
  const bytes = randomBytes(BLOCK_BYTES);
  const parent = await uploaded({ VolumeSize: 1 }, new Map([[5, bytes]]));
  const child = await uploaded({ VolumeSize: 1, ParentSnapshotId: parent }, new Map([[6, randomBytes(BLOCK_BYTES)]]));
  await cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: parent }));
  await expect(list(parent)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const { Blocks = [] } = await list(child);
  const answer = await cloud.ebs.send(
    new GetSnapshotBlockCommand({ SnapshotId: child, BlockIndex: 5, BlockToken: Blocks[0]?.BlockToken }),
  );
  expect(await answer.BlockData?.transformToByteArray().then((read) => sha256(read))).toEqual(sha256(bytes));
});

test('every block read is counted, over restarts too', async () => {
  const id = await uploaded({ VolumeSize: 1 }, new Map([[0, randomBytes(BLOCK_BYTES)]]));
  const { Blocks = [] } = await list(id);
  for (let read = 0; read < 3; read++) {
    const answer = await cloud.ebs.send(
      new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex: 0, BlockToken: Blocks[0]?.BlockToken }),
    );
    await answer.BlockData?.transformToByteArray();
    await cloud.restart();
  }
  const counts = (await (await fetch(`${cloud.cloud.control}/v1/block-counts`)).json()) as { snapshotId: string }[];
  expect(counts.find(({ snapshotId }) => snapshotId === id)).toEqual({
    snapshotId: id,
    reads: 3,
    blocksRead: 1,
    writes: 1,
    blocksWritten: 1,
  });
});

test('a cloud that is as far as EBS answers for blocks after that time, and for many at once', async () => {
  const blockLatencyMs = 400;
  const blocks = 32;
  const far = await startCloudUnderTest({ ebs: { blockLatencyMs } });
  try {
    const { SnapshotId = '' } = await far.ebs.send(new StartSnapshotCommand({ VolumeSize: 1 }));
    const bytes = randomBytes(BLOCK_BYTES);
    const began = performance.now();
    await Promise.all(Array.from({ length: blocks }, (_, block) => putBlock(far, SnapshotId, block, bytes)));
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThanOrEqual(blockLatencyMs);
    // One after the other they would take 12.8 s.
    expect(tookMs).toBeLessThan(blocks * blockLatencyMs);
  } finally {
    await far.end();
  }
});

async function start(input: ConstructorParameters<typeof StartSnapshotCommand>[0]): Promise<string> {
  const { SnapshotId } = await cloud.ebs.send(new StartSnapshotCommand(input));
  return must(SnapshotId, 'SnapshotId');
}

async function uploaded(
  input: ConstructorParameters<typeof StartSnapshotCommand>[0],
  blocks: ReadonlyMap<number, Buffer>,
): Promise<string> {
  const id = await start(input);
  const digests = new Map<number, Buffer>();
  for (const [block, bytes] of blocks) digests.set(block, await putBlock(cloud, id, block, bytes));
  await completeUpload(cloud, id, digests);
  await completed(cloud, id);
  return id;
}

function list(SnapshotId: string) {
  return cloud.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));
}
