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
  writeChangeSet,
} from '../vault/index.ts';
import { beating } from './beating.ts';
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
}

export interface ShardOrder extends VolumeOrder {
  readonly shard: number;
}

export interface ShardResult {
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly blocks: number;
  /** Blocks that the source listed. */
  readonly blocksListed: number;
}

export interface FinishOrder extends VolumeOrder {
  readonly shards: readonly ShardResult[];
}

/** What the manifest needs of a volume, beside what people want to know. */
export interface VolumeArchive extends ArchivedVolume {
  readonly map: MapRef;
}

/** With the blocks that differ from the capture; null when the platform cannot compare the two snapshots. */
export interface ArchivedWithChanges extends VolumeArchive {
  readonly changes: ChangeSetRef | null;
}

export function createArchiveActivities({ platform, vaults }: ArchiveDeps) {
  return {
    /** What the clone changed since the capture; the next run's increment needs it. Null when the source cannot say. */
    async recordChanges({ run, vault: name, volume, capture, snapshot }: VolumeOrder): Promise<ChangeSetRef | null> {
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
    async archiveShard({ run, vault: name, volume, snapshot, shard, shardSegments }: ShardOrder): Promise<ShardResult> {
      return beating(async ({ signal, progress }) => {
        const record = await archiveShard({
          vault: await vaults.open(name, signal),
          runId: run.runId,
          volumeId: volume.volumeId,
          shard,
          shardSegments,
          source: await platform.openSource(run, snapshot.snapshotId, signal),
          signal,
          onProgress: ({ bytesRead, bytesStored, blocksDone }) =>
            progress({ volumeId: volume.volumeId, bytesRead, bytesStored, blocksDone } satisfies MoverHeartbeat),
        });
        return {
          bytesRead: record.blocksRead * BLOCK_BYTES,
          bytesStored: record.storedBytes,
          blocks: record.storedBlocks,
          blocksListed: record.blocksRead,
        };
      });
    },

    /** Writes the volume's map over all recorded shards. */
    async finishVolume({ run, vault: name, volume, shardSegments, shards }: FinishOrder): Promise<VolumeArchive> {
      return beating(async ({ signal }) => {
        const map = await finishVolume({
          vault: await vaults.open(name, signal),
          runId: run.runId,
          volumeId: volume.volumeId,
          volumeBytes: volume.bytes,
          shardSegments,
          signal,
        });
        const sum = (key: keyof ShardResult) => shards.reduce((total, shard) => total + shard[key], 0);
        return {
          volumeId: volume.volumeId,
          deviceName: volume.deviceName,
          volumeBytes: volume.bytes,
          bytesRead: sum('bytesRead'),
          bytesStored: sum('bytesStored'),
          blocks: sum('blocks'),
          holes: Math.ceil(volume.bytes / BLOCK_BYTES) - sum('blocks'),
          map,
        };
      });
    },
  };
}

async function* indexesOf(refs: AsyncIterable<BlockRef>, progress: () => void): AsyncIterable<number> {
  for await (const { index } of refs) {
    progress();
    yield index;
  }
}
