import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CompleteSnapshotCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { waitUntilSnapshotCompleted } from '@aws-sdk/client-ec2';
import { must } from '../../local/up/named.ts';
import { BLOCK_BYTES } from '../../src/vault/index.ts';
import type { TestLab } from './test-lab.ts';
import { noise } from './vault-volume.ts';

const BLOCKS_PER_GIB = 2 ** 30 / BLOCK_BYTES;
const COMPLETE_LIMIT_S = 120;
/** Of every block: the vault's packs fill as with real data, and 12 GiB cost it 0.75 GiB. */
const NOISE_BYTES = 32_768;
const NOISE_AT = 262_144;
/** The header of a swap area ends its first page: a disk of this kind holds no file system that could be unclean. */
const SWAP_MAGIC = { at: 4_086, text: 'SWAPSPACE2' };

export interface SwapDisk {
  readonly gibibytes: number;
}

/**
 * A snapshot of written blocks, no two alike: a swap disk, which the machine never touches. It goes in by the
 * cloud's back door: what it costs to sign, send and hash 24,576 blocks (63 s) says nothing about a backup.
 */
export async function writeSwapSnapshot(
  { aws, lab }: Pick<TestLab, 'aws' | 'lab'>,
  { gibibytes }: SwapDisk,
): Promise<string> {
  const { ebs, ec2 } = aws;
  const folder = await mkdtemp(join(lab.status.stateDir, 'swap-disk-'));
  const blocks = gibibytes * BLOCKS_PER_GIB;
  try {
    const file = join(folder, 'swap.img');
    await writeSwapImage(file, blocks);
    const { SnapshotId } = await ebs.send(new StartSnapshotCommand({ VolumeSize: gibibytes, Description: 'swap' }));
    const snapshotId = must(SnapshotId, 'SnapshotId');
    const url = `${lab.status.control}/v1/snapshots/${snapshotId}/image`;
    const answer = await fetch(url, { method: 'PUT', body: JSON.stringify({ file }) });
    if (!answer.ok) throw new Error(`the local cloud does not take the image: ${await answer.text()}`);
    await ebs.send(new CompleteSnapshotCommand({ SnapshotId: snapshotId, ChangedBlocksCount: blocks }));
    await waitUntilSnapshotCompleted(
      { client: ec2, maxWaitTime: COMPLETE_LIMIT_S, minDelay: 1, maxDelay: 1 },
      { SnapshotIds: [snapshotId] },
    );
    return snapshotId;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Sparse; blocks differ in their own number, which stands before the noise. */
async function writeSwapImage(file: string, blocks: number): Promise<void> {
  const image = await open(file, 'w');
  try {
    const piece = Buffer.from(noise('swap').subarray(0, NOISE_BYTES));
    for (let index = 0; index < blocks; index++) {
      piece.writeBigUInt64LE(BigInt(index + 1));
      await image.write(piece, 0, NOISE_BYTES, index * BLOCK_BYTES + NOISE_AT);
    }
    await image.write(SWAP_MAGIC.text, SWAP_MAGIC.at, 'latin1');
    await image.truncate(blocks * BLOCK_BYTES);
  } finally {
    await image.close();
  }
}
