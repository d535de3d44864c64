import { ConfigurationError } from '../../errors.ts';
import { type ArchiveProgress, archiveShard } from '../archive-shard.ts';
import { beginRun } from '../begin-run.ts';
import type { BlockSource } from '../block-source.ts';
import { hex } from '../bytes.ts';
import { commitPoint } from '../commit-point.ts';
import { confirmParents } from '../confirm-parents.ts';
import type { MapRef } from '../fields.ts';
import { findParents } from '../find-parents.ts';
import { finishVolume } from '../finish-volume.ts';
import type { Manifest, ManifestDraft } from '../manifest.ts';
import { countShards } from '../parameters.ts';
import { openParentVolume, type ParentVolume } from '../parent-volume.ts';
import { readRunFacts, recordRunFacts } from '../run-facts.ts';
import type { Vault } from '../vault.ts';
import type { BlockSet } from './block-set.ts';
import { openImage } from './open-image.ts';

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
const PLATFORM = 'image';
/** A session names at most 16 (session.ts); of points a day old and older the first few are what counts. */
const MOST_CANDIDATES = 8;
/** Where a backup names its workflow: nobody but this process ran it. */
const WORKFLOW = { workflowId: 'understudy vault put', temporalRunId: '' };

interface ImageRun {
  readonly runId: string;
  readonly startedAt: string;
  readonly source: BlockSource;
  readonly changed: BlockSet | undefined;
}

interface Parent {
  readonly volume: ParentVolume;
  readonly mapId: string;
  readonly pointsByHints: number;
}

/**
 * Archives one raw disk image as a recovery point of its own, building on the machine's newest usable one. Not
 * repeatable: each call is a run, and one that fails leaves objects that collection removes. Needs the data and meta roots.
 */
export async function putImage(request: PutImageRequest): Promise<Manifest> {
  const { vault, path, signal } = request;
  const startedAt = vault.clock.now().toISOString();
  const runId = `${startedAt.replaceAll(/[-:]|\.\d+/g, '')}-${hex(vault.randomBytes(4))}`;
  const image = await openImage(path, signal);
  try {
    const { source } = image;
    const changed = await request.changed?.list(source.volumeBytes);
    const run: ImageRun = { runId, startedAt, source, changed };
    const parent = await begin(request, run);
    const map = await archive(request, run, parent);
    await image.mustBeUnchanged();
    return await commitPoint({ vault, draft: draftOf(request, run, { map, parent }), signal });
  } finally {
    await image.close();
  }
}

/** Names the parents, then looks at them again: docs/vault-format.md 7. */
async function begin(request: PutImageRequest, { runId, startedAt, source }: ImageRun): Promise<Parent | undefined> {
  const { vault, volumeId, machineId, toolVersion, signal } = request;
  const session = {
    runId,
    startedAt,
    toolVersion,
    source: { platform: PLATFORM, machineId },
    workflow: WORKFLOW,
    volumes: [{ volumeId, volumeBytes: source.volumeBytes }],
    candidateParents: await candidates(request),
  };
  await beginRun({ vault, session, signal });
  const { parent } = await confirmParents({ vault, runId, signal });
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

async function archive(request: PutImageRequest, run: ImageRun, parent: Parent | undefined): Promise<MapRef> {
  const { vault, volumeId, signal, onProgress } = request;
  const { runId, source, changed } = run;
  const { volumeBytes } = source;
  const total = addUp((progress) => onProgress?.({ ...progress, volumeBytes }));
  for (let shard = 0; shard < countShards(volumeBytes, SHARD_SEGMENTS); shard++) {
    const shardOf = { runId, volumeId, shard, shardSegments: SHARD_SEGMENTS, source };
    await archiveShard({ vault, ...shardOf, parent: parent?.volume, changed, signal, onProgress: total.within });
    total.next();
  }
  return finishVolume({ vault, runId, volumeId, volumeBytes, shardSegments: SHARD_SEGMENTS, signal });
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

/** Nothing is known of how the image was made, so nothing is claimed: the lowest class, and no proof. */
function draftOf(
  { machineId, name, volumeId, toolVersion }: PutImageRequest,
  { runId, startedAt, source, changed }: ImageRun,
  { map, parent }: { readonly map: MapRef; readonly parent: Parent | undefined },
): ManifestDraft {
  const pointsByHints = parent && changed ? parent.pointsByHints + 1 : 0;
  const nothing = { account: null, region: null, zone: null, type: null, architecture: null, bootMode: null };
  const volume = { deviceName: volumeId, root: true, type: null, iops: null, throughput: null, encrypted: false };
  return {
    pointId: runId,
    toolVersion,
    method: 'raw-image',
    workflow: WORKFLOW,
    plan: null,
    machine: {
      ...nothing,
      platform: PLATFORM,
      machineId,
      name,
      rootDeviceName: volumeId,
      imageId: null,
      tags: {},
      addresses: [],
      facts: recordRunFacts({ verify: null, pointsByHints }),
    },
    capture: {
      capturedAt: startedAt,
      requestedAt: null,
      memory: null,
      snapshots: [],
      cloneId: null,
      cloneSnapshots: [],
    },
    volumes: [
      {
        ...volume,
        volumeId,
        role: 'machine',
        volumeBytes: source.volumeBytes,
        kmsKeyId: null,
        tags: {},
        map,
        changes: null,
      },
    ],
    consistency: { atLeast: 'crash-consistent', disks: 'crash-consistent', agents: {}, proofs: [] },
    evidence: [],
    acceptedWarnings: [],
    parents: parent ? [{ volumeId, pointId: parent.volume.pointId, mapId: parent.mapId }] : [],
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}
