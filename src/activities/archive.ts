import { OUTPUT_VOLUME_ID } from '../contract/agent-output.ts';
import type { SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { MoverHeartbeat } from '../contract/progress.ts';
import type { ArchivedVolume } from '../contract/results.ts';
import type { Run } from '../contract/run.ts';
import type { DataPlatform } from '../platforms/platform.ts';
import {
  archiveShard,
  BLOCK_BYTES,
  type BlockRef,
  type ChangeSetRef,
  finishVolume,
  type MapRef,
  openParentVolume,
  SEGMENT_BLOCKS,
  type Vault,
  writeChangeSet,
} from '../vault/index.ts';
import { beating } from './beating.ts';
import { findHints, type Hints } from './hints.ts';
import type { BaseVolume } from './increment.ts';
import { partOf } from './source-part.ts';
import type { VaultDoor } from './vault-door.ts';

export interface ArchiveDeps {
  readonly platform: DataPlatform;
  readonly vaults: VaultDoor;
}

/** One volume of one run, on its way into the vault. */
export interface VolumeOrder {
  readonly run: Run;
  readonly vault: string;
  readonly volume: VolumeFacts;
  /** Of production. */
  readonly capture: SnapshotFacts;
  /** Of the stopped clone: what is archived. */
  readonly snapshot: SnapshotFacts;
  readonly shardSegments: number;
  /** Where the volume begins within the snapshot: agents' output lies behind the results on the scratch volume. */
  readonly fromByte?: number;
  /** What the volume builds on; null when there is nothing. */
  readonly base: VolumeBase | null;
  /** Why every block is read; null when the platform's listings of changed blocks are to be used. */
  readonly readAll: string | null;
}

export interface VolumeBase extends BaseVolume {
  readonly pointId: string;
  readonly pointsByHints: number;
}

export interface ShardOrder extends VolumeOrder {
  readonly shard: number;
}

export interface ShardResult {
  readonly bytesRead: number;
  /** New in the vault. */
  readonly bytesStored: number;
  readonly blocksAudited: number;
  /** Whether hints were used anywhere in it. */
  readonly byHints: boolean;
  /** Why every block was read, at least of a part; null when only changed ones were. */
  readonly readAll: string | null;
}

export interface FinishOrder extends VolumeOrder {
  readonly shards: readonly ShardResult[];
}

/** What the manifest needs of a volume, beside what people want to know. */
export interface VolumeArchive extends ArchivedVolume {
  readonly map: MapRef;
  readonly base: VolumeBase | null;
  readonly byHints: boolean;
}

/** With the blocks that differ from the capture; null when the platform cannot compare the two snapshots. */
export interface ArchivedWithChanges extends VolumeArchive {
  readonly changes: ChangeSetRef | null;
}

export function createArchiveActivities({ platform, vaults }: ArchiveDeps) {
  return {
    /** What the clone changed since the capture; the next run's increment needs it. Null when the source cannot say. */
    async recordChanges({
      run,
      vault: name,
      volume,
      capture,
      snapshot,
      fromByte,
    }: VolumeOrder): Promise<ChangeSetRef | null> {
      // Production has no such volume.
      if (fromByte !== undefined) return null;
      return beating(async ({ signal, progress }) => {
        const vault = await vaults.open(name, signal);
        const source = await platform.openSource(run, snapshot.snapshotId, signal);
        const range = { from: 0, to: Math.ceil(volume.bytes / BLOCK_BYTES) };
        const changed = await source.changedSince(capture.snapshotId, range, signal);
        if (changed === 'unrelated') return null;
        return writeChangeSet({
          vault,
          runId: run.runId,
          volumeId: volume.volumeId,
          volumeBytes: volume.bytes,
          indexes: indexesOf(changed, progress),
          signal,
        });
      });
    },

    /** One to sixteen segments. A retry finds a finished shard's record in the vault and reads nothing again. */
    async archiveShard(order: ShardOrder): Promise<ShardResult> {
      const { run, volume, snapshot, shard, shardSegments } = order;
      return beating(async ({ signal, progress }) => {
        const vault = await vaults.open(order.vault, signal);
        const notes: string[] = [];
        const { parent, hints } = await openBase({ platform, vault, order, signal, progress });
        const last = { bytesStored: 0, blocksAudited: 0 };
        const record = await archiveShard({
          vault,
          runId: run.runId,
          volumeId: volume.volumeId,
          shard,
          shardSegments,
          source: partOf(await platform.openSource(run, snapshot.snapshotId, signal), order),
          parent,
          changed: hints.changed,
          onParentDamage: (reason) => notes.push(reason),
          signal,
          onProgress: ({ bytesRead, bytesStored, blocksAudited, blocksDone }) => {
            Object.assign(last, { bytesStored, blocksAudited });
            progress({ volumeId: volume.volumeId, bytesRead, bytesStored, blocksDone } satisfies MoverHeartbeat);
          },
        });
        const readAll = hints.readAll ?? notes[0] ?? null;
        const byHints = hints.changed !== undefined;
        return { bytesRead: record.blocksRead * BLOCK_BYTES, ...last, byHints, readAll };
      });
    },

    /** Writes the volume's map over all recorded shards. */
    async finishVolume({ run, vault: name, volume, shardSegments, shards, base }: FinishOrder): Promise<VolumeArchive> {
      return beating(async ({ signal, progress }) => {
        let shares = { newBytes: 0, reusedBytes: 0 };
        const vault = await vaults.open(name, signal);
        const { volumeId } = volume;
        const parent =
          base && (await openParentVolume({ vault, volumeId, pointId: base.pointId, map: base.map, signal }));
        const map = await finishVolume({
          vault,
          runId: run.runId,
          volumeId,
          volumeBytes: volume.bytes,
          shardSegments,
          ...(parent && { parent }),
          signal,
          onProgress: progress,
          onShares: (counted) => {
            shares = counted;
          },
        });
        const sum = (key: 'bytesRead' | 'blocksAudited') => shards.reduce((total, shard) => total + shard[key], 0);
        const readAll = shards.find((shard) => shard.readAll !== null)?.readAll ?? undefined;
        return {
          volumeId: volume.volumeId,
          deviceName: volume.deviceName,
          volumeBytes: volume.bytes,
          bytesRead: sum('bytesRead'),
          bytesStored: shares.newBytes,
          bytesReused: shares.reusedBytes,
          blocks: map.storedBlocks,
          holes: Math.ceil(volume.bytes / BLOCK_BYTES) - map.storedBlocks,
          blocksAudited: sum('blocksAudited'),
          ...(base && { parentId: base.pointId }),
          // What agents wrote is new each time; to read it whole needs no reason.
          ...(readAll !== undefined && volume.volumeId !== OUTPUT_VOLUME_ID && { readAll }),
          map,
          base,
          byHints: shards.some((shard) => shard.byHints),
        };
      });
    },
  };
}

interface BaseRequest {
  readonly platform: DataPlatform;
  readonly vault: Vault;
  readonly order: ShardOrder;
  readonly signal: AbortSignal;
  readonly progress: () => void;
}

/** The parent's volume, and what the platform says has changed since, or why it is not asked. */
async function openBase({ platform, vault, order, signal, progress }: BaseRequest) {
  const { run, volume, capture, base, shard, shardSegments } = order;
  const { volumeId } = volume;
  if (!base) return { parent: undefined, hints: { readAll: order.readAll ?? NOTHING_BEFORE } as Hints };
  const parent = await openParentVolume({ vault, volumeId, pointId: base.pointId, map: base.map, signal });
  if (order.readAll !== null) return { parent, hints: { readAll: order.readAll } as Hints };
  const from = shard * shardSegments * SEGMENT_BLOCKS;
  const to = Math.min(from + shardSegments * SEGMENT_BLOCKS, Math.ceil(volume.bytes / BLOCK_BYTES));
  const captureId = capture.snapshotId;
  const request = { platform, vault, run, volumeId, captureId, base, range: { from, to }, signal, progress };
  return { parent, hints: await findHints(request) };
}

const NOTHING_BEFORE = 'the point it builds on does not have this volume';

async function* indexesOf(refs: AsyncIterable<BlockRef>, progress: () => void): AsyncIterable<number> {
  for await (const { index } of refs) {
    progress();
    yield index;
  }
}
