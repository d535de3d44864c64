import { activityInfo } from '@temporalio/activity';
import { z } from 'zod';
import type { SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { ConfiguredRecipe } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { DataPlatform, VerificationPlatform } from '../platforms/platform.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import { BLOCK_BYTES, openVolume } from '../vault/index.ts';
import { beating } from './beating.ts';
import { type DiskFacts, readDiskFacts } from './disk-facts.ts';
import { pourBlocks } from './pour-blocks.ts';
import type { VaultDoor } from './vault-door.ts';

export interface RestoreDeps {
  readonly platform: DataPlatform & VerificationPlatform;
  readonly vaults: VaultDoor;
  readonly findRecipe: FindRecipe;
  readonly now: () => number;
}

export interface PointRef {
  readonly vault: string;
  readonly pointId: string;
}

export interface PointFactsOrder extends PointRef {
  readonly volumes: readonly VolumeFacts[];
  readonly recipes: readonly ConfiguredRecipe[];
}

export interface RestoreOrder extends PointRef {
  readonly run: Run;
  /** `restored` stays for people; `verify` ends with its run. */
  readonly role: 'verify' | 'restored';
  readonly volume: VolumeFacts;
  /** Whose key encrypts what is written. */
  readonly profile: { readonly kmsKeyId?: string };
}

export interface RestoredSnapshot {
  /** As a launch wants it: by source volume. */
  readonly snapshot: SnapshotFacts;
  readonly bytesWritten: number;
}

/** Every block up to this index was acknowledged by the sink in an earlier attempt. */
const Resume = z.object({ writtenThrough: z.int().min(-1), writtenAt: z.number() });
/** A sink may give up a snapshot that nobody writes for an hour; what was put into that one must be put again. */
const RESUME_WITHIN_MS = 30 * 60_000;

export function createRestoreActivities({ platform, vaults, now, findRecipe }: RestoreDeps) {
  return {
    /** What the point's disks say in the vault, before anything is restored. */
    async readPointFacts(order: PointFactsOrder): Promise<DiskFacts> {
      return beating(async (beat) => {
        const vault = await vaults.open(order.vault, beat.signal);
        const open = async ({ volumeId }: VolumeFacts) =>
          (await openVolume({ vault, pointId: order.pointId, volumeId, signal: beat.signal })).source;
        return readDiskFacts({ findRecipe, volumes: order.volumes, open, recipes: order.recipes, beat });
      });
    },

    /**
     * From the vault into a new encrypted snapshot. A retry reads every block again for its digest, which the sink's
     * completion proves, but puts only what no earlier attempt was acknowledged for, and what keeps the snapshot writable.
     */
    async restoreVolume({ run, role, vault: name, pointId, volume, profile }: RestoreOrder): Promise<RestoredSnapshot> {
      const writtenThrough = resumePoint(now());
      return beating(async (beat) => {
        const vault = await vaults.open(name, beat.signal);
        const archived = await openVolume({ vault, pointId, volumeId: volume.volumeId, signal: beat.signal });
        const encryption = platform.encryptionFor(volume, profile);
        const sink = await platform.openSink(
          { run, role, name: volume.volumeId, volumeBytes: archived.volumeBytes, encryption },
          beat.signal,
        );
        const range = { from: 0, to: Math.ceil(archived.volumeBytes / BLOCK_BYTES) };
        const blocks = archived.blocks(range, beat.signal);
        const { volumeId } = volume;
        const written = await pourBlocks(blocks, sink, { volumeId, writtenThrough, beat, now });
        const { ref } = await sink.complete(written, beat.signal);
        return { snapshot: restoredSnapshot(ref, volume), bytesWritten: written.count * BLOCK_BYTES };
      });
    },
  };
}

function resumePoint(nowMs: number): number {
  const { data } = Resume.safeParse(activityInfo().heartbeatDetails);
  return data && nowMs - data.writtenAt < RESUME_WITHIN_MS ? data.writtenThrough : -1;
}

function restoredSnapshot(snapshotId: string, volume: VolumeFacts): SnapshotFacts {
  return {
    snapshotId,
    sourceVolumeId: volume.volumeId,
    volumeId: volume.volumeId,
    bytes: volume.bytes,
    state: 'completed',
    percent: 100,
    encrypted: true,
  };
}
