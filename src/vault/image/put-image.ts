import { ConfigurationError } from '../../errors.ts';
import { type ArchiveProgress, archiveShardOf } from '../archive-shard.ts';
import { beginRun } from '../begin-run.ts';
import type { BlockSource } from '../block-source.ts';
import { hex } from '../bytes.ts';
import { commitPointOf } from '../commit-point.ts';
import { confirmParentsOf } from '../confirm-parents.ts';
import { type FailedAudit, findFailedAudit, whyReadAll } from '../failed-audit.ts';
import type { MapRef } from '../fields.ts';
import { findParents } from '../find-parents.ts';
import { finishVolumeOf } from '../finish-volume.ts';
import type { Manifest } from '../manifest.ts';
import { countShards } from '../parameters.ts';
import { openParentVolume, type ParentVolume } from '../parent-volume.ts';
import type { Run } from '../run.ts';
import { readRunFacts } from '../run-facts.ts';
import type { Vault } from '../vault.ts';
import type { BlockSet } from './block-set.ts';
import { openImage, type RawImage } from './open-image.ts';
import { draftOf, PLATFORM, workflowOf } from './put-draft.ts';
import { mustBeResumable } from './resume-put.ts';

export interface PutImageRequest {
  readonly vault: Vault;
  /** A file or a block device that nobody writes to. */
  readonly path: string;
  /** Whose disk it is: a point builds on the newest usable one of the same machine. */
  readonly machineId: string;
  readonly name: string | null;
  readonly volumeId: string;
  readonly toolVersion: string;
  /** Blocks that are not listed are taken from that point; but for a sample they are not read. */
  readonly changed?: ChangedBlocks | undefined;
  /** A run of this image that was interrupted: what it has stored is not read again. */
  readonly resume?: string | undefined;
  /** Called once, before anything is read: with this id the run can be gone on with. */
  readonly onBegun?: (runId: string) => void;
  /** Told why the list of changes is not believed, when it is not: then every block is read. */
  readonly onReadAll?: (reason: string) => void;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: PutProgress) => void;
}

export interface PutProgress extends ArchiveProgress {
  readonly volumeBytes: number;
}

/** Blocks of which somebody who tracks changes says that they differ from a recovery point; all others are equal. */
export interface ChangedBlocks {
  readonly pointId: string;
  readonly list: (volumeBytes: number) => Promise<BlockSet>;
}

/** One segment each: what an onlooker is told is exact, and an image of a few GiB still gives every core work. */
const SHARD_SEGMENTS = 1;
/** A session names at most 16 (session.ts); of points a day old and older the first few are what counts. */
const MOST_CANDIDATES = 8;

export interface ImageRun {
  readonly runId: string;
  readonly startedAt: string;
  readonly source: BlockSource;
  readonly changed: BlockSet | undefined;
}

export interface Parent {
  readonly volume: ParentVolume;
  readonly mapId: string;
  readonly pointsByHints: number;
}

/**
 * Archives one raw disk image as a recovery point of its own, building on the machine's newest usable one. Each call is a
 * run of its own, unless it resumes one; what an interrupted run has written is removed by collection, if nobody goes on
 * with it. Needs the data and meta roots.
 */
export async function putImage(request: PutImageRequest): Promise<Manifest> {
  const { vault, path, signal } = request;
  vault.threads.warmUp();
  const image = await openImage(path, signal);
  try {
    const imageRun = await identify(request, image);
    const run = await begin(request, imageRun);
    request.onBegun?.(run.runId);
    const [parent, audit] = await Promise.all([
      findParent(run, request),
      request.changed && findFailedAudit(vault, request.machineId, signal),
    ]);
    const believed = believeChanges(request, imageRun, { parent, audit });
    const map = await archive(run, request, { imageRun: believed, parent });
    await image.mustBeUnchanged();
    return await commitPointOf(run, { draft: draftOf(request, believed, { map, parent }), signal });
  } finally {
    await image.close();
  }
}

async function identify(request: PutImageRequest, image: RawImage): Promise<ImageRun> {
  const { vault, resume } = request;
  const { source } = image;
  const changed = await request.changed?.list(source.volumeBytes);
  if (resume !== undefined) {
    const { runId, startedAt } = await mustBeResumable({ request, runId: resume, image });
    return { runId, startedAt, source, changed };
  }
  const startedAt = vault.clock.now().toISOString();
  const runId = `${startedAt.replaceAll(/[-:]|\.\d+/g, '')}-${hex(vault.randomBytes(4))}`;
  return { runId, startedAt, source, changed };
}

/** Once a list has lied for this machine, none is believed until every block has been read. */
function believeChanges(
  { onReadAll }: PutImageRequest,
  run: ImageRun,
  { parent, audit }: { readonly parent: Parent | undefined; readonly audit: FailedAudit | undefined },
): ImageRun {
  if (!run.changed || !parent) return run;
  const reason = whyReadAll(audit, parent.volume.pointId);
  if (reason === null) return run;
  onReadAll?.(reason);
  return { ...run, changed: undefined };
}

async function begin(request: PutImageRequest, run: ImageRun): Promise<Run> {
  const { vault, volumeId, machineId, toolVersion, signal } = request;
  const { runId, startedAt, source } = run;
  const wanted = {
    runId,
    startedAt,
    toolVersion,
    source: { platform: PLATFORM, machineId },
    workflow: workflowOf(request),
    volumes: [{ volumeId, volumeBytes: source.volumeBytes }],
    candidateParents: await candidates(request),
  };
  return { vault, runId, session: await beginRun({ vault, session: wanted, signal }) };
}

/** The second look at the parents that the session names: docs/vault-format.md 7. */
async function findParent(run: Run, { volumeId, signal }: PutImageRequest): Promise<Parent | undefined> {
  const { vault } = run;
  const { parent } = await confirmParentsOf(run, signal);
  const volume = parent?.volumes.find((one) => one.volumeId === volumeId);
  if (!parent || !volume) return undefined;
  const { pointId } = parent;
  const { pointsByHints } = readRunFacts(parent);
  const opened = await openParentVolume({ vault, pointId, volumeId, map: volume.map, signal });
  return { volume: opened, mapId: volume.map.mapId, pointsByHints };
}

async function candidates({ vault, machineId, changed, signal }: PutImageRequest) {
  const { parents, refused } = await findParents({ vault, machineId, signal });
  if (!changed) return parents.slice(0, MOST_CANDIDATES).map((pointId) => ({ pointId }));
  if (parents.includes(changed.pointId)) return [{ pointId: changed.pointId }];
  const reason = refused.find(({ pointId }) => pointId === changed.pointId)?.reason ?? `${machineId} has no such point`;
  const message = `nothing can build on point ${changed.pointId} (${reason}); leave the list of changed blocks out, and every block is read`;
  throw new ConfigurationError('InvalidInput', message);
}

async function archive(
  run: Run,
  { volumeId, signal, onProgress }: PutImageRequest,
  { imageRun, parent }: { readonly imageRun: ImageRun; readonly parent: Parent | undefined },
): Promise<MapRef> {
  const { source, changed } = imageRun;
  const { volumeBytes } = source;
  const total = addUp((progress) => onProgress?.({ ...progress, volumeBytes }));
  for (let shard = 0; shard < countShards(volumeBytes, SHARD_SEGMENTS); shard++) {
    const shardOf = { volumeId, shard, shardSegments: SHARD_SEGMENTS, source };
    await archiveShardOf(run, { ...shardOf, parent: parent?.volume, changed, signal, onProgress: total.within });
    total.next();
  }
  return finishVolumeOf(run, { volumeId, volumeBytes, shardSegments: SHARD_SEGMENTS, signal });
}

/** Progress of the whole volume out of that of its shards, which each count from 0. */
function addUp(onProgress: (progress: ArchiveProgress) => void) {
  const fields = ['bytesRead', 'bytesStored', 'blocksAudited', 'blocksDone'] as const;
  let before = { bytesRead: 0, bytesStored: 0, blocksAudited: 0, blocksDone: 0 };
  let sum = before;
  return {
    within(progress: ArchiveProgress): void {
      sum = { ...before };
      for (const field of fields) sum[field] += progress[field];
      onProgress({ ...sum, blocks: progress.blocks });
    },
    next(): void {
      before = sum;
    },
  };
}
