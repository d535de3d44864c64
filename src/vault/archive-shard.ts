import { VaultError } from '../errors.ts';
import { archiveSegment, type SegmentRequest } from './archive-segment.ts';
import { createAudit } from './audit.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { readDocument, sealDocument } from './documents.ts';
import { recordFailedAudit } from './failed-audit.ts';
import { VolumeId } from './fields.ts';
import { shardKey } from './object-keys.ts';
import { countSegmentBlocks, countSegments, countShards, MAX_SHARD_SEGMENTS } from './parameters.ts';
import { mustNotBeFenced } from './points.ts';
import { createdFirst, ifPresent } from './presence.ts';
import { openRun, type Run } from './run.ts';
import { type SegmentRef, ShardRecord } from './shard-record.ts';
import type { Vault } from './vault.ts';

/** How far a shard is; counts start at 0 with every attempt. */
export interface ArchiveProgress {
  readonly bytesRead: number;
  /** New sealed blocks. */
  readonly bytesStored: number;
  readonly blocksAudited: number;
  /** Blocks of the shard's range that are settled, holes included, and how many there are. */
  readonly blocksDone: number;
  readonly blocks: number;
}

export interface ArchiveShardRequest extends ShardRequest {
  readonly vault: Vault;
  readonly runId: string;
}

/** Of a run that is open already. */
export interface ShardRequest extends Omit<SegmentRequest, 'segment'> {
  /** Counts from 0; shard n covers segments n × shardSegments … */
  readonly shard: number;
  readonly shardSegments: number;
  /** What is as in the parent is not stored again. Its point must be a candidate parent of the run's session. */
  readonly parent?: SegmentRequest['parent'];
  /** Every block that changed since the parent. The others are not read, but for a sample: AuditFailed if they lie. */
  readonly changed?: SegmentRequest['changed'];
  /** After every few blocks, and every minute while another shard has the turn: two of a vault work at a time. */
  readonly onProgress?: (progress: ArchiveProgress) => void;
}

export const SHARD = { type: 'shard', schema: ShardRecord } as const;

/**
 * Stores one shard of a volume. Repeatable: a finished shard is found by its record and not read again; of two attempts
 * at once one wins and the other adopts its record. Needs the data and meta roots.
 */
export async function archiveShard(request: ArchiveShardRequest): Promise<ShardRecord> {
  const { vault, runId, signal } = request;
  mustFit(request);
  const earlier = await findShardRecord(vault, request, signal);
  return earlier ?? archive(await openRun(vault, runId, signal), request);
}

/** As archiveShard, for whoever has opened the run himself. */
export async function archiveShardOf(run: Run, request: ShardRequest): Promise<ShardRecord> {
  mustFit(request);
  return (await findShardRecord(run.vault, { ...request, runId: run.runId }, request.signal)) ?? archive(run, request);
}

async function archive(run: Run, request: ShardRequest): Promise<ShardRecord> {
  const { vault, runId } = run;
  const { signal } = request;
  mustBePinned(run, request);
  await mustNotBeFenced(vault, runId, signal);
  const turn = await takeTurn(vault, request);
  try {
    return await writeRecord(run, request, await archiveSegments(run, request));
  } catch (error) {
    throw await recordFailedAudit(run, error, signal);
  } finally {
    vault.threads.shardsAtWork.give(turn);
  }
}

/** Whoever gives up what makes no progress (activities/beating.ts: 10 minutes) must not take a queue for that. */
const WAITING_WORD_MS = 60_000;
const NOTHING_YET: ArchiveProgress = { bytesRead: 0, bytesStored: 0, blocksAudited: 0, blocksDone: 0, blocks: 0 };

async function takeTurn(vault: Vault, { signal, onProgress }: ShardRequest): Promise<symbol> {
  const timer = setInterval(() => onProgress?.(NOTHING_YET), WAITING_WORD_MS);
  try {
    return await vault.threads.shardsAtWork.take(signal);
  } finally {
    clearInterval(timer);
  }
}

interface ShardName {
  readonly runId: string;
  readonly volumeId: string;
  readonly shard: number;
  readonly shardSegments: number;
}

/** The record of a finished shard. ObjectExists when it was cut in another way than asked now. */
export async function findShardRecord(
  vault: Vault,
  { runId, volumeId, shard, shardSegments }: ShardName,
  signal: AbortSignal,
): Promise<ShardRecord | undefined> {
  const key = shardKey(runId, volumeId, shard);
  const record = await ifPresent(readDocument(SHARD, { vault, key }, signal));
  if (!record || record.shardSegments === shardSegments) return record;
  const message = `${key} was archived with ${record.shardSegments} segments per shard, not ${shardSegments}; a run must keep one value`;
  throw new VaultError('ObjectExists', message, { context: { key } });
}

function mustFit({ volumeId, shard, shardSegments, source }: ShardRequest): void {
  VolumeId.parse(volumeId);
  if (!(shardSegments >= 1 && shardSegments <= MAX_SHARD_SEGMENTS)) {
    throw new RangeError(`shardSegments is ${shardSegments}, must be 1 to ${MAX_SHARD_SEGMENTS}`);
  }
  const shards = countShards(source.volumeBytes, shardSegments);
  if (!(shard >= 0 && shard < shards)) throw new RangeError(`shard ${shard} of a volume of ${shards} shards`);
}

/** Collection spares what a session names; whatever else is reused may vanish. */
function mustBePinned({ runId, session }: Run, { parent }: ShardRequest): void {
  if (!parent || session.candidateParents.some(({ pointId }) => pointId === parent.pointId)) return;
  throw new RangeError(`run ${runId} builds on ${parent.pointId}, which its session does not name`);
}

interface ShardResult {
  readonly segments: readonly (SegmentRef | null)[];
  readonly blocksRead: number;
}

/** One after the other: listing a snapshot again kills the tokens of the listing before. */
async function archiveSegments(run: Run, request: ShardRequest): Promise<ShardResult> {
  const { shard, shardSegments, source } = request;
  const first = shard * shardSegments;
  const last = Math.min(first + shardSegments, countSegments(source.volumeBytes));
  const numbers = Array.from({ length: last - first }, (_, i) => first + i);
  const blocks = numbers.reduce((sum, segment) => sum + countSegmentBlocks(source.volumeBytes, segment), 0);
  const segments: (SegmentRef | null)[] = [];
  const audit = createAudit(run.vault.randomBytes);
  const before = { blocksRead: 0, blocksAudited: 0, bytesStored: 0, blocksDone: 0 };
  for (const segment of numbers) {
    const { ref, done } = await archiveSegment(run, { ...request, segment, audit }, (here) =>
      request.onProgress?.({
        bytesRead: (before.blocksRead + here.blocksRead) * BLOCK_BYTES,
        bytesStored: before.bytesStored + here.bytesStored,
        blocksAudited: before.blocksAudited + here.blocksAudited,
        blocksDone: before.blocksDone + here.blocksDone,
        blocks,
      }),
    );
    segments.push(ref);
    before.blocksRead += done.blocksRead;
    before.blocksAudited += done.blocksAudited;
    before.bytesStored += done.bytesStored;
    before.blocksDone += done.blocksDone;
  }
  return { segments, blocksRead: before.blocksRead };
}

async function writeRecord(run: Run, request: ShardRequest, result: ShardResult): Promise<ShardRecord> {
  const { vault, runId, session } = run;
  const { volumeId, shard, shardSegments, source, signal } = request;
  const sum = (field: 'storedBlocks' | 'storedBytes') =>
    result.segments.reduce((all, ref) => all + (ref?.[field] ?? 0), 0);
  const record: ShardRecord = {
    runId,
    volumeId,
    volumeBytes: source.volumeBytes,
    shard,
    shardSegments,
    firstSegment: shard * shardSegments,
    segments: [...result.segments],
    blocksRead: result.blocksRead,
    storedBlocks: sum('storedBlocks'),
    storedBytes: sum('storedBytes'),
    finishedAt: vault.clock.now().toISOString(),
  };
  const key = shardKey(runId, volumeId, shard);
  const bytes = sealDocument(SHARD, record, { vault, key, epoch: session.epoch });
  if (await createdFirst(vault.store.create(key, bytes, signal))) return record;
  return (await findShardRecord(vault, { ...request, runId }, signal)) ?? record;
}
