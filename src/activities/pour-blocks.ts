import type { MoverHeartbeat } from '../contract/progress.ts';
import { BLOCK_BYTES, type BlockSink, type VolumeBlock, WrittenBlocks } from '../vault/index.ts';
import type { Beat } from './beating.ts';

/** 16 blocks of 512 KiB: PutSnapshotBlock takes about 30 ms, and 8 MiB in flight keep memory small. */
const WRITES_AT_ONCE = 16;

export interface Pouring {
  readonly volumeId: string;
  /** Every block up to this index was acknowledged by the sink in an earlier attempt. */
  readonly writtenThrough: number;
  readonly beat: Beat;
  readonly now: () => number;
}

/** Writes the blocks that no earlier attempt wrote, and returns what proves all of them. */
export async function pourBlocks(
  blocks: AsyncIterable<VolumeBlock>,
  sink: BlockSink,
  { volumeId, writtenThrough, beat, now }: Pouring,
): Promise<WrittenBlocks> {
  const written = new WrittenBlocks();
  let batch: VolumeBlock[] = [];
  const flush = async () => {
    await Promise.all(batch.map(({ index, bytes, sha256 }) => sink.write(index, bytes, sha256, beat.signal)));
    const through = batch.at(-1)?.index;
    batch = [];
    if (through === undefined) return;
    const bytes = written.count * BLOCK_BYTES;
    beat.progress({
      volumeId,
      bytesRead: bytes,
      bytesStored: bytes,
      blocksDone: written.count,
      writtenThrough: Math.max(through, writtenThrough),
      writtenAt: now(),
    } satisfies MoverHeartbeat);
  };
  for await (const block of blocks) {
    written.add(block.index, block.sha256);
    if (block.index > writtenThrough) batch.push(block);
    else beat.progress();
    if (batch.length === WRITES_AT_ONCE) await flush();
  }
  await flush();
  return written;
}
