import { type Audit, auditFailed } from './audit.ts';
import type { BlockSource } from './block-source.ts';
import { sha256Hex } from './bytes.ts';
import { NONCE_BYTES } from './gcm.ts';
import { lockedAs } from './lock-policy.ts';
import { mergeSegment } from './merge-segment.ts';
import { segmentKey } from './object-keys.ts';
import { PackWriter } from './pack-writer.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from './parameters.ts';
import { type ParentSegment, type ParentVolume, readParentSegment } from './parent-volume.ts';
import { type ChangeHints, planReads, type ReadPlan } from './plan-reads.ts';
import type { Run } from './run.ts';
import { type SealedBatch, sealBlocks } from './seal-blocks.ts';
import { sealObject } from './sealed-object.ts';
import { encodeSegment, SEGMENT_FRAME, type Segment } from './segment.ts';
import type { SegmentRef } from './shard-record.ts';

export interface SegmentProgress {
  readonly blocksRead: number;
  /** Among them: read only to be compared with the parent's. */
  readonly blocksAudited: number;
  /** New sealed blocks; what the parent holds already is not stored. */
  readonly bytesStored: number;
  readonly blocksDone: number;
}

export interface ArchivedSegment {
  /** Null when all of it is holes; of the parent's run when nothing changed. */
  readonly ref: SegmentRef | null;
  readonly done: SegmentProgress;
}

export interface SegmentRequest {
  readonly volumeId: string;
  readonly segment: number;
  readonly source: BlockSource;
  readonly parent?: ParentVolume | undefined;
  readonly changed?: ChangeHints | undefined;
  readonly onParentDamage?: ((reason: string) => void) | undefined;
  readonly signal: AbortSignal;
}

interface SegmentWork {
  readonly volumeId: string;
  readonly from: number;
  readonly blocks: number;
  readonly parent: ParentSegment | undefined;
  readonly plan: ReadPlan;
}

/** Reads 4 GiB, stores its packs, then the segment object that names them: in this order, docs/vault-format.md 6. */
export async function archiveSegment(
  run: Run,
  request: SegmentRequest & { readonly audit: Audit },
  onProgress: (progress: SegmentProgress) => void,
): Promise<ArchivedSegment> {
  const { volumeId, segment, source, signal } = request;
  const blocks = countSegmentBlocks(source.volumeBytes, segment);
  const from = segment * SEGMENT_BLOCKS;
  const range = { from, to: from + blocks };
  const parent = await parentOf(run, request);
  const plan = await planReads({ ...request, range, parent }, signal);
  const work = { volumeId, from, blocks, parent, plan };
  const expectedId = parent && ((index: number) => parent.entryAt(index - from)?.blockId);
  const writer = new PackWriter(run, volumeId, signal);
  const same = new Set<number>();
  let done: SegmentProgress = { blocksRead: 0, blocksAudited: plan.audited.size, bytesStored: 0, blocksDone: 0 };
  try {
    const sealed = sealBlocks(run, { source, refs: plan.refs, range, ...(expectedId && { expectedId }) }, signal);
    for await (const batch of sealed) {
      mustPassAudit(work, batch);
      for (const block of batch.blocks) await writer.add(block);
      for (const index of batch.same) same.add(index - from);
      done = afterBatch(done, batch, from);
      onProgress(done);
    }
    const written = await writer.finish();
    mustStillBeThere(work, same);
    const ref = await settle(run, work, { written, same }, signal);
    done = { ...done, blocksDone: blocks };
    onProgress(done);
    return { ref, done };
  } finally {
    await writer.abandon();
  }
}

async function parentOf({ vault }: Run, request: SegmentRequest): Promise<ParentSegment | undefined> {
  const { parent, segment, source, signal, onParentDamage } = request;
  if (!parent) return undefined;
  const { volumeBytes } = source;
  const onDamage = onParentDamage && { onDamage: onParentDamage };
  return readParentSegment({ vault, parent, segmentIndex: segment, volumeBytes, signal, ...onDamage });
}

function afterBatch(done: SegmentProgress, { blocksRead, blocks, lastIndex }: SealedBatch, from: number) {
  const bytes = blocks.reduce((sum, { sealed }) => sum + sealed.length, 0);
  return {
    ...done,
    blocksRead: done.blocksRead + blocksRead,
    bytesStored: done.bytesStored + bytes,
    blocksDone: lastIndex + 1 - from,
  };
}

/** A block said to be unchanged that is to be sealed anew has changed. */
function mustPassAudit({ volumeId, parent, plan }: SegmentWork, { blocks }: SealedBatch): void {
  const wrong = blocks.find(({ blockIndex }) => plan.audited.has(blockIndex));
  if (!wrong) return;
  const pointId = parent?.pointId ?? '';
  throw auditFailed({ volumeId, index: wrong.blockIndex, pointId, found: 'it reads otherwise' });
}

/** A block said to be unchanged that the parent holds must read the same; zeros are not what it holds. */
function mustStillBeThere({ volumeId, from, parent, plan }: SegmentWork, same: ReadonlySet<number>): void {
  for (const index of plan.audited) {
    if (!parent?.entryAt(index - from) || same.has(index - from)) continue;
    throw auditFailed({ volumeId, index, pointId: parent.pointId, found: 'it is all zeros' });
  }
}

interface SegmentOutcome {
  readonly written: Awaited<ReturnType<PackWriter['finish']>>;
  /** Positions of blocks that were read and are as in the parent. */
  readonly same: ReadonlySet<number>;
}

/** The parent's segment when it says it all, else a new one. */
async function settle(run: Run, work: SegmentWork, { written, same }: SegmentOutcome, signal: AbortSignal) {
  const { from, blocks, parent, plan } = work;
  const unread = new Set(plan.unread.map(({ position }) => position));
  const before = parent?.segment?.entries ?? [];
  const kept = before.filter(({ position }) => unread.has(position) || same.has(position));
  const nothingNew = written.entries.length === 0 && kept.length === before.length;
  if (nothingNew && parent?.ref !== undefined) return parent.ref;
  const segment = mergeSegment({
    segmentIndex: from / SEGMENT_BLOCKS,
    blocks,
    written: { ...written, entries: written.entries.map((entry) => ({ ...entry, position: entry.position - from })) },
    kept,
    packs: parent?.segment?.packs ?? [],
  });
  return segment.entries.length === 0 ? null : writeSegment(run, segment, signal);
}

async function writeSegment(
  { vault, runId, session }: Run,
  segment: Segment,
  signal: AbortSignal,
): Promise<SegmentRef> {
  const key = vault.keys.meta(session.epoch, 'segment');
  const bytes = sealObject(SEGMENT_FRAME, encodeSegment(segment), {
    place: { vaultId: vault.vaultId, runId, name: '' },
    seal: { key, keyEpoch: session.epoch, nonce: vault.randomBytes(NONCE_BYTES) },
  });
  const segmentId = sha256Hex(bytes);
  await vault.store.create(segmentKey(runId, segmentId), bytes, signal, lockedAs(vault, runId));
  const storedBytes = segment.entries.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0);
  return { runId, segmentId, segmentBytes: bytes.length, storedBlocks: segment.entries.length, storedBytes };
}
