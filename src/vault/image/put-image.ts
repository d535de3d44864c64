import type { ArchiveProgress } from '../archive-shard.ts';
import { archiveShard } from '../archive-shard.ts';
import { beginRun } from '../begin-run.ts';
import type { BlockSource } from '../block-source.ts';
import { hex } from '../bytes.ts';
import { commitPoint } from '../commit-point.ts';
import type { MapRef } from '../fields.ts';
import { finishVolume } from '../finish-volume.ts';
import type { Manifest, ManifestDraft } from '../manifest.ts';
import { countShards } from '../parameters.ts';
import type { Vault } from '../vault.ts';
import { type ChangedBlocks, openImage } from './open-image.ts';

export interface PutImageRequest {
  readonly vault: Vault;
  /** A file or a block device that nobody writes to. */
  readonly path: string;
  /** Whose disk it is: points of one machine follow one another. */
  readonly machineId: string;
  readonly name: string | null;
  readonly volumeId: string;
  readonly toolVersion: string;
  /** Blocks that are not listed are taken from that point without reading them. */
  readonly changed?: ChangedBlocks;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ArchiveProgress) => void;
}

/** One segment each: what an onlooker is told is exact, and an image of a few GiB still gives every core work. */
const SHARD_SEGMENTS = 1;
const PLATFORM = 'image';
/** Where a backup names its workflow: nobody but this process ran it. */
const WORKFLOW = { workflowId: 'understudy vault put', temporalRunId: '' };

/**
 * Archives one raw disk image as a recovery point of its own. Not repeatable: each call is a run, and one that fails
 * leaves objects that collection removes. Needs the data and meta roots.
 */
export async function putImage(request: PutImageRequest): Promise<Manifest> {
  const { vault, path, changed, signal } = request;
  const startedAt = vault.clock.now().toISOString();
  const runId = `${startedAt.replaceAll(/[-:]|\.\d+/g, '')}-${hex(vault.randomBytes(4))}`;
  const image = await openImage(path, { ...(changed && { changed }), signal });
  try {
    const map = await archive(request, { source: image.source, runId, startedAt });
    await image.mustBeUnchanged();
    const draft = draftOf(request, { runId, startedAt, map, volumeBytes: image.source.volumeBytes });
    return await commitPoint({ vault, draft, signal });
  } finally {
    await image.close();
  }
}

async function archive(
  request: PutImageRequest,
  { source, runId, startedAt }: { readonly source: BlockSource; readonly runId: string; readonly startedAt: string },
): Promise<MapRef> {
  const { vault, volumeId, machineId, toolVersion, signal, onProgress } = request;
  const { volumeBytes } = source;
  const session = {
    runId,
    startedAt,
    toolVersion,
    source: { platform: PLATFORM, machineId },
    workflow: WORKFLOW,
    volumes: [{ volumeId, volumeBytes }],
    candidateParents: [],
  };
  await beginRun({ vault, session, signal });
  const total = addUp(onProgress);
  for (let shard = 0; shard < countShards(volumeBytes, SHARD_SEGMENTS); shard++) {
    const shardOf = { runId, volumeId, shard, shardSegments: SHARD_SEGMENTS, source };
    await archiveShard({ vault, ...shardOf, signal, onProgress: total.within });
    total.next();
  }
  return finishVolume({ vault, runId, volumeId, volumeBytes, shardSegments: SHARD_SEGMENTS, signal });
}

/** Progress of the whole volume out of that of its shards, which each count from 0. */
function addUp(onProgress: PutImageRequest['onProgress']) {
  let before = { bytesRead: 0, bytesStored: 0, blocksAudited: 0, blocksDone: 0 };
  let sum = before;
  return {
    within({ bytesRead, bytesStored, blocksAudited, blocksDone, blocks }: ArchiveProgress): void {
      sum = {
        bytesRead: before.bytesRead + bytesRead,
        bytesStored: before.bytesStored + bytesStored,
        blocksAudited: before.blocksAudited + blocksAudited,
        blocksDone: before.blocksDone + blocksDone,
      };
      onProgress?.({ ...sum, blocks });
    },
    next(): void {
      before = sum;
    },
  };
}

/** Nothing is known of how the image was made, so nothing is claimed: the lowest class, and no proof. */
function draftOf(
  { machineId, name, volumeId, toolVersion }: PutImageRequest,
  done: { readonly runId: string; readonly startedAt: string; readonly map: MapRef; readonly volumeBytes: number },
): ManifestDraft {
  const nothing = { account: null, region: null, zone: null, type: null, architecture: null, bootMode: null };
  const volume = { deviceName: volumeId, root: true, type: null, iops: null, throughput: null, encrypted: false };
  return {
    pointId: done.runId,
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
      facts: {},
    },
    capture: {
      capturedAt: done.startedAt,
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
        volumeBytes: done.volumeBytes,
        kmsKeyId: null,
        tags: {},
        map: done.map,
        changes: null,
      },
    ],
    consistency: { atLeast: 'crash-consistent', disks: 'crash-consistent', agents: {}, proofs: [] },
    evidence: [],
    acceptedWarnings: [],
    parents: [],
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}
