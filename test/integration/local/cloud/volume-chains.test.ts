import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  GetSnapshotBlockCommand,
  ListChangedBlocksCommand,
  ListSnapshotBlocksCommand,
  StartSnapshotCommand,
} from '@aws-sdk/client-ebs';
import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToolchain } from '../../../../local/toolchain.ts';
import {
  BLOCK_BYTES,
  type CloudUnderTest,
  completed,
  completeUpload,
  must,
  putBlock,
  startCloudUnderTest,
} from './cloud-under-test.ts';

const MIB = 2 ** 20;

let cloud: CloudUnderTest;
let base: string;

beforeAll(async () => {
  cloud = await startCloudUnderTest({ snapshots: { spacingMs: 0, pendingMs: 500 }, describeLagMs: 0 });
  const { SnapshotId } = await cloud.ebs.send(new StartSnapshotCommand({ VolumeSize: 1 }));
  base = must(SnapshotId, 'SnapshotId');
  const bytes = Buffer.alloc(BLOCK_BYTES, 0xaa);
  const digests = new Map<number, Buffer>();
  for (const block of [0, 1, 2]) digests.set(block, await putBlock(cloud, base, block, bytes));
  await completeUpload(cloud, base, digests);
  await completed(cloud, base);
});

afterAll(async () => {
  await cloud?.end();
});

test('a snapshot holds what was written before it, merged with what its parent holds, and only that counts as changed', async () => {
  const volume = await createVolume(base);
  write(volume, { at: BLOCK_BYTES + 4_096, bytes: 4_096, value: 0xbb }); // a part of a block that the parent has
  write(volume, { at: 100 * MIB, bytes: 4_096, value: 0xcc }); // a block that it has not
  const first = await snapshot(volume);
  write(volume, { at: 0, bytes: 4_096, value: 0xdd });
  const second = await snapshot(volume);
  await completed(cloud, first, second);
  expect(await changes(base, first)).toEqual([1, 200]);
  expect(await changes(first, second)).toEqual([0]);
  expect(await changes(base, second)).toEqual([0, 1, 200]);
  const merged = await read(first, 1);
  expect([merged[0], merged[4_096], merged[8_192]]).toEqual([0xaa, 0xbb, 0xaa]);
  expect((await read(first, 0))[0]).toBe(0xaa);
  expect((await read(second, 0))[0]).toBe(0xdd);
  expect((await read(second, 1))[4_096]).toBe(0xbb);
});

test('a volume made from a snapshot reads the same bytes, though the volume and all other snapshots are deleted', async () => {
  const volume = await createVolume(base);
  write(volume, { at: 2 * BLOCK_BYTES, bytes: BLOCK_BYTES, value: 0x11 });
  const first = await snapshot(volume);
  write(volume, { at: 3 * BLOCK_BYTES, bytes: 512, value: 0x22 });
  const second = await snapshot(volume);
  await completed(cloud, first, second);
  await cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: first }));
  await cloud.ec2.send(new DeleteVolumeCommand({ VolumeId: volume }));
  const copy = await createVolume(second);
  const pattern = (value: number, at: number, bytes: number) => ['-c', `read -P ${value} ${at} ${bytes}`];
  const checks = [
    ...pattern(0xaa, 0, 2 * BLOCK_BYTES),
    ...pattern(0x11, 2 * BLOCK_BYTES, BLOCK_BYTES),
    ...pattern(0x22, 3 * BLOCK_BYTES, 512),
    ...pattern(0, 4 * BLOCK_BYTES, MIB),
  ];
  const output = execFileSync(join(readToolchain().qemu.img, '..', 'qemu-io'), [
    '-r',
    '-f',
    'qcow2',
    ...checks,
    topLayer(copy),
  ]).toString();
  expect(output).not.toContain('verification failed');
});

test('a snapshot that is pending when the cloud is killed completes after the restart', async () => {
  const volume = await createVolume(base);
  write(volume, { at: 50 * MIB, bytes: 4_096, value: 0x77 });
  const id = await snapshot(volume);
  await cloud.restart();
  await completed(cloud, id);
  expect(await changes(base, id)).toEqual([100]);
  expect((await read(id, 100))[0]).toBe(0x77);
});

test('a snapshot that is deleted while pending leaves its changes to the next', async () => {
  const volume = await createVolume(base);
  write(volume, { at: 10 * MIB, bytes: 4_096, value: 0x33 });
  const dropped = await snapshot(volume);
  await cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: dropped }));
  write(volume, { at: 20 * MIB, bytes: 4_096, value: 0x44 });
  const kept = await snapshot(volume);
  await completed(cloud, kept);
  expect(await changes(base, kept)).toEqual([20, 40]);
  expect((await read(kept, 20))[0]).toBe(0x33);
});

test('deleting everything leaves no file behind', async () => {
  const volume = await createVolume(undefined);
  write(volume, { at: 0, bytes: 4_096, value: 1 });
  const id = await snapshot(volume);
  await completed(cloud, id);
  await cloud.ec2.send(new DeleteVolumeCommand({ VolumeId: volume }));
  await cloud.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
  expect(readdirSync(join(cloud.stateDir, 'volumes'))).not.toContain(volume);
  expect(readdirSync(join(cloud.stateDir, 'snapshots')).filter((name) => name.startsWith(id))).toEqual([]);
});

async function createVolume(SnapshotId: string | undefined): Promise<string> {
  const origin = SnapshotId === undefined ? { Size: 1 } : { SnapshotId };
  const { VolumeId } = await cloud.ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'local-1a', ...origin }));
  return must(VolumeId, 'VolumeId');
}

async function snapshot(VolumeId: string): Promise<string> {
  const { SnapshotId } = await cloud.ec2.send(
    new CreateSnapshotCommand({ VolumeId, Description: randomBytes(4).toString('hex') }),
  );
  return must(SnapshotId, 'SnapshotId');
}

/** What a machine would do: writes go to the volume's top layer. */
function write(volumeId: string, { at, bytes, value }: { at: number; bytes: number; value: number }): void {
  const io = join(readToolchain().qemu.img, '..', 'qemu-io');
  execFileSync(io, ['-f', 'qcow2', '-c', `write -P ${value} ${at} ${bytes}`, topLayer(volumeId)]);
}

function topLayer(volumeId: string): string {
  const folder = join(cloud.stateDir, 'volumes', volumeId);
  const numbers = readdirSync(folder).map((name) => Number.parseInt(name, 10));
  return join(folder, `${Math.max(...numbers)}.qcow2`);
}

async function changes(FirstSnapshotId: string, SecondSnapshotId: string): Promise<(number | undefined)[]> {
  const { ChangedBlocks = [] } = await cloud.ebs.send(
    new ListChangedBlocksCommand({ FirstSnapshotId, SecondSnapshotId }),
  );
  return ChangedBlocks.map(({ BlockIndex }) => BlockIndex);
}

async function read(SnapshotId: string, block: number): Promise<Uint8Array> {
  const { Blocks = [] } = await cloud.ebs.send(
    new ListSnapshotBlocksCommand({ SnapshotId, StartingBlockIndex: block }),
  );
  const { BlockIndex, BlockToken } = must(Blocks[0], 'Blocks');
  expect(BlockIndex).toBe(block);
  const answer = await cloud.ebs.send(new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }));
  return must(answer.BlockData, 'BlockData').transformToByteArray();
}
