import { type EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs';
import { must } from '../../local/up/named.ts';

/** A snapshot as any program reads it through the EBS direct APIs. */
export interface SnapshotBlocks {
  /** Indexes of the blocks that were ever written, ascending. */
  readonly indexes: readonly number[];
  read(index: number): Promise<Uint8Array>;
}

export async function openSnapshotBlocks(ebs: EBSClient, snapshotId: string): Promise<SnapshotBlocks> {
  const tokens = new Map<number, string>();
  let NextToken: string | undefined;
  do {
    const page = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: snapshotId, NextToken }));
    for (const { BlockIndex, BlockToken } of page.Blocks ?? []) {
      tokens.set(must(BlockIndex, 'BlockIndex'), must(BlockToken, 'BlockToken'));
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return {
    indexes: [...tokens.keys()],
    async read(index) {
      const BlockToken = must(tokens.get(index), `token of block ${index}`);
      const answer = await ebs.send(
        new GetSnapshotBlockCommand({ SnapshotId: snapshotId, BlockIndex: index, BlockToken }),
      );
      return must(answer.BlockData, 'BlockData').transformToByteArray();
    },
  };
}
