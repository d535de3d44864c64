import type { MoverHeartbeat } from '../contract/progress.ts';
import { BLOCK_BYTES, type BlockSink, type VolumeBlock, WrittenBlocks } from '../vault/index.ts';
import type { Beat } from './beating.ts';

/** 16 blocks of 512 KiB: PutSnapshotBlock takes about 30 ms, and 8 MiB in flight keep memory small. */
const WRITES_AT_ONCE = 16;

/**
 * EBS gives a snapshot up that nobody writes for an hour, and reading again what is written can take longer. An attempt begins
 * at most 30 minutes after the last put (restore.ts); with these 10 the hour is never reached.
 */
const PUT_AGAIN_MS = 10 * 60_000;

export interface Pouring {
  readonly volumeId: string;
  /** Every block up to this index was acknowledged by the sink in an earlier attempt. */
  readonly writtenThrough: number;
  readonly beat: Beat;
  readonly now: () => number;
}

/** Writes what no earlier attempt wrote, and of the rest one block every ten minutes. Returns what proves all of them. */
export async function pourBlocks(
  blocks: AsyncIterable<VolumeBlock>,
  sink: BlockSink,
  { volumeId, writtenThrough, beat, now }: Pouring,
): Promise<WrittenBlocks> {
  const written = new WrittenBlocks();
  let batch: VolumeBlock[] = [];
  let putAt = now();
  const flush = async () => {
    await Promise.all(batch.map(({ index, bytes, sha256 }) => sink.write(index, bytes, sha256, beat.signal)));
    for (const block of batch) block.giveBack();
    const through = batch.at(-1)?.index;
    batch = [];
    if (through === undefined) return;
    putAt = now();
    const bytes = written.count * BLOCK_BYTES;
    beat.progress({
      volumeId,
      bytesRead: bytes,
      bytesStored: bytes,
      blocksDone: written.count,
      writtenThrough: Math.max(through, writtenThrough),
      writtenAt: putAt,
    } satisfies MoverHeartbeat);
  };
  for await (const block of blocks) {
    written.add(block.index, block.sha256);
    const mustPut = block.index > writtenThrough;
    const mustPutAgain = !mustPut && now() - putAt >= PUT_AGAIN_MS;
    if (mustPut || mustPutAgain) batch.push(block);
    else {
      block.giveBack();
      beat.progress();
    }
    if (mustPutAgain || batch.length === WRITES_AT_ONCE) await flush();
  }
  await flush();
  return written;
}
