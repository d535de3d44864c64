import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import {
  CompleteSnapshotCommand,
  type EBSClient,
  PutSnapshotBlockCommand,
  StartSnapshotCommand,
} from '@aws-sdk/client-ebs';
import { DescribeSnapshotsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { byName, must, named } from './named.ts';
import { waitUntil } from './wait-until.ts';

const BLOCK_BYTES = 524_288;
const GIB = 1024 ** 3;
/** Digests and requests keep both sides of the loopback busy; more only wait. */
const AT_A_TIME = 12;
const COMPLETE_LIMIT_MS = 120_000;

export interface ImageUpload {
  /** Names the image and its content: the same name again finds the snapshot. */
  readonly name: string;
  /** A raw disk image. */
  readonly file: string;
}

/** The snapshot of a disk image, written through the EBS direct APIs: only blocks that are not zero. */
export async function ensureImageSnapshot(
  { ec2, ebs }: { readonly ec2: EC2Client; readonly ebs: EBSClient },
  { name, file }: ImageUpload,
): Promise<string> {
  const found = await findSnapshot(ec2, name);
  if (found?.State === 'completed') return must(found.SnapshotId, 'SnapshotId');
  const snapshotId = await writeSnapshot(ebs, { name, file });
  await waitUntil(async () => ((await findSnapshot(ec2, name))?.State === 'completed' ? true : undefined), {
    what: `snapshot ${snapshotId} is completed`,
    limitMs: COMPLETE_LIMIT_MS,
  });
  return snapshotId;
}

async function findSnapshot(ec2: EC2Client, name: string) {
  const { Snapshots = [] } = await ec2.send(
    new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters: byName(name) }),
  );
  return Snapshots.find(({ State }) => State === 'completed') ?? Snapshots.find(({ State }) => State === 'pending');
}

async function writeSnapshot(ebs: EBSClient, { name, file }: ImageUpload): Promise<string> {
  const { size } = await stat(file);
  const { SnapshotId } = await ebs.send(
    new StartSnapshotCommand({
      VolumeSize: Math.ceil(size / GIB),
      Description: name,
      Tags: must(named('snapshot', name)[0]?.Tags, 'tags'),
      // Repeated after a kill, it continues the same snapshot, and blocks written twice are written the same.
      ClientToken: createHash('sha256').update(name).digest('hex'),
    }),
  );
  const snapshotId = must(SnapshotId, 'SnapshotId');
  const written = await writeBlocks(ebs, snapshotId, file, Math.ceil(size / BLOCK_BYTES));
  await ebs.send(new CompleteSnapshotCommand({ SnapshotId: snapshotId, ChangedBlocksCount: written }));
  return snapshotId;
}

async function writeBlocks(ebs: EBSClient, snapshotId: string, file: string, blocks: number): Promise<number> {
  const disk = await open(file);
  let next = 0;
  let written = 0;
  const work = async () => {
    const buffer = Buffer.alloc(BLOCK_BYTES);
    while (next < blocks) {
      const index = next++;
      const { bytesRead } = await disk.read(buffer, 0, BLOCK_BYTES, index * BLOCK_BYTES);
      buffer.fill(0, bytesRead);
      if (isZero(buffer)) continue;
      await ebs.send(
        new PutSnapshotBlockCommand({
          SnapshotId: snapshotId,
          BlockIndex: index,
          BlockData: buffer,
          DataLength: BLOCK_BYTES,
          Checksum: createHash('sha256').update(buffer).digest('base64'),
          ChecksumAlgorithm: 'SHA256',
        }),
      );
      written++;
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  } finally {
    await disk.close();
  }
  return written;
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

function isZero(block: Buffer): boolean {
  return block.equals(ZEROS);
}
