import { z } from 'zod';

const BlockCounts = z.array(
  z.object({ snapshotId: z.string(), reads: z.int(), blocksRead: z.int(), writes: z.int(), blocksWritten: z.int() }),
);
export type BlockCounts = z.output<typeof BlockCounts>[number];

/** How often blocks of the snapshot were read and written, as the cloud counted it; zeros if never. */
export async function readBlockCounts(control: string, snapshotId: string): Promise<BlockCounts> {
  const answer = await fetch(`${control}/v1/block-counts`);
  const all = BlockCounts.parse(await answer.json());
  const found = all.find((counts) => counts.snapshotId === snapshotId);
  return found ?? { snapshotId, reads: 0, blocksRead: 0, writes: 0, blocksWritten: 0 };
}
