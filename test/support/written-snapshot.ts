import { createHash } from 'node:crypto';
import {
  CompleteSnapshotCommand,
  type EBSClient,
  PutSnapshotBlockCommand,
  StartSnapshotCommand,
} from '@aws-sdk/client-ebs';
import { waitUntilSnapshotCompleted } from '@aws-sdk/client-ec2';
import type { LabClients } from '../../local/up/aws-clients.ts';
import { must } from '../../local/up/named.ts';
import { BLOCK_BYTES } from '../../src/vault/index.ts';
import { noise } from './vault-volume.ts';

const BLOCKS_PER_GIB = 2 ** 30 / BLOCK_BYTES;
/** Enough to keep the cloud's one thread busy; more only wait. */
const AT_A_TIME = 12;
const COMPLETE_LIMIT_S = 120;
/** Of every block: the vault's packs fill as they would with real data, and 12 GiB cost it 1.5 GiB. */
const NOISE_BYTES = 65_536;
const NOISE_AT = 262_144;
/** The header of a swap area ends its first page: a disk of this kind holds no file system that could be unclean. */
const SWAP_MAGIC = { at: 4_086, text: 'SWAPSPACE2' };

export interface SwapDisk {
  readonly gibibytes: number;
}

/** A snapshot of written blocks, no two alike: a swap disk, which the machine never touches. */
export async function writeSwapSnapshot({ ebs, ec2 }: LabClients, disk: SwapDisk): Promise<string> {
  const { gibibytes } = disk;
  const { SnapshotId } = await ebs.send(new StartSnapshotCommand({ VolumeSize: gibibytes, Description: 'swap' }));
  const snapshotId = must(SnapshotId, 'SnapshotId');
  const blocks = gibibytes * BLOCKS_PER_GIB;
  let next = 0;
  const work = async () => {
    const put = blockWriter(ebs, snapshotId);
    while (next < blocks) await put(next++);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  await ebs.send(new CompleteSnapshotCommand({ SnapshotId: snapshotId, ChangedBlocksCount: blocks }));
  await waitUntilSnapshotCompleted(
    { client: ec2, maxWaitTime: COMPLETE_LIMIT_S, minDelay: 1, maxDelay: 1 },
    { SnapshotIds: [snapshotId] },
  );
  return snapshotId;
}

/** Blocks differ in their last 8 bytes only, so the digest of all that stands before is computed once. */
function blockWriter(ebs: EBSClient, snapshotId: string): (index: number) => Promise<void> {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(SWAP_MAGIC.text, SWAP_MAGIC.at, 'latin1');
  block.set(noise('swap').subarray(0, NOISE_BYTES), NOISE_AT);
  const end = BLOCK_BYTES - 8;
  const head = createHash('sha256').update(block.subarray(0, end));
  return async (index) => {
    block.writeBigUInt64LE(BigInt(index + 1), end);
    const Checksum = head.copy().update(block.subarray(end)).digest('base64');
    await ebs.send(
      new PutSnapshotBlockCommand({
        SnapshotId: snapshotId,
        BlockIndex: index,
        BlockData: block,
        DataLength: BLOCK_BYTES,
        Checksum,
        ChecksumAlgorithm: 'SHA256',
      }),
    );
  };
}
