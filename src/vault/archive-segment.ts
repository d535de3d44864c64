import type { BlockSource } from './block-source.ts';
import { sha256Hex } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { lockedAs } from './lock-policy.ts';
import { segmentKey } from './object-keys.ts';
import { PackWriter, type WrittenPacks } from './pack-writer.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from './parameters.ts';
import type { Run } from './run.ts';
import { sealBlocks } from './seal-blocks.ts';
import { sealObject } from './sealed-object.ts';
import { encodeSegment, SEGMENT_FRAME } from './segment.ts';
import type { SegmentRef } from './shard-record.ts';

export interface SegmentProgress {
  readonly blocksRead: number;
  readonly bytesStored: number;
  readonly blocksDone: number;
}

export interface ArchivedSegment {
  /** Null when all of it is holes. */
  readonly ref: SegmentRef | null;
  readonly blocksRead: number;
}

interface SegmentRequest {
  readonly volumeId: string;
  readonly segment: number;
  readonly source: BlockSource;
  readonly signal: AbortSignal;
}

/** Reads 4 GiB, stores its packs, then the segment object that names them: in this order, docs/vault-format.md 6. */
export async function archiveSegment(
  run: Run,
  { volumeId, segment, source, signal }: SegmentRequest,
  onProgress: (progress: SegmentProgress) => void,
): Promise<ArchivedSegment> {
  const blocks = countSegmentBlocks(source.volumeBytes, segment);
  const from = segment * SEGMENT_BLOCKS;
  const range = { from, to: from + blocks };
  const writer = new PackWriter(run, volumeId, signal);
  let blocksRead = 0;
  let storedBytes = 0;
  try {
    for await (const batch of sealBlocks(run, { source, refs: source.blocks(range, signal), range }, signal)) {
      for (const block of batch.blocks) {
        await writer.add(block);
        storedBytes += block.sealed.length;
      }
      blocksRead += batch.blocksRead;
      onProgress({ blocksRead, bytesStored: storedBytes, blocksDone: batch.lastIndex + 1 - from });
    }
    const written = await writer.finish();
    onProgress({ blocksRead, bytesStored: storedBytes, blocksDone: blocks });
    if (written.entries.length === 0) return { ref: null, blocksRead };
    return { ref: await writeSegment(run, { segment, blocks, written, storedBytes }, signal), blocksRead };
  } finally {
    await writer.abandon();
  }
}

interface NewSegment {
  readonly segment: number;
  readonly blocks: number;
  readonly written: WrittenPacks;
  readonly storedBytes: number;
}

async function writeSegment(run: Run, request: NewSegment, signal: AbortSignal): Promise<SegmentRef> {
  const { vault, runId, session } = run;
  const { segment, blocks, written, storedBytes } = request;
  const from = segment * SEGMENT_BLOCKS;
  const entries = written.entries.map((entry) => ({ ...entry, position: entry.position - from }));
  const plain = encodeSegment({ segmentIndex: segment, blocks, packs: written.packs, entries });
  const key = vault.keys.meta(session.epoch, 'segment');
  const bytes = sealObject(SEGMENT_FRAME, plain, {
    place: { vaultId: vault.vaultId, runId, name: '' },
    seal: { key, keyEpoch: session.epoch, nonce: vault.randomBytes(NONCE_BYTES) },
  });
  const segmentId = sha256Hex(bytes);
  await vault.store.create(segmentKey(runId, segmentId), bytes, signal, lockedAs(vault, runId));
  return { runId, segmentId, segmentBytes: bytes.length, storedBlocks: entries.length, storedBytes };
}
