import type { SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { RestorePhase, TablePhase, VerificationPhase } from '../contract/progress.ts';
import type { Run } from '../contract/run.ts';
import { mover } from './proxies.ts';
import { together } from './together.ts';
import type { PhaseTracker } from './track-phases.ts';

export interface SnapshotsOrder {
  readonly run: Run;
  readonly role: 'verify' | 'restored';
  readonly vault: string;
  readonly pointId: string;
  readonly volumes: readonly VolumeFacts[];
  /** Whose key encrypts what is written. */
  readonly profile: { readonly kmsKeyId?: string };
  readonly phases: PhaseTracker<RestorePhase> | PhaseTracker<VerificationPhase> | PhaseTracker<TablePhase>;
}

export interface RestoredSnapshots {
  readonly snapshots: readonly SnapshotFacts[];
  readonly bytes: number;
  readonly ms: number;
}

/** From the vault into new snapshots, all volumes side by side; shows which is how far. */
export async function restoreSnapshots({
  volumes,
  phases,
  profile,
  ...order
}: SnapshotsOrder): Promise<RestoredSnapshots> {
  const startedMs = Date.now();
  const done = new Map(volumes.map(({ volumeId }) => [volumeId, 0]));
  const show = () =>
    phases.volumes(
      volumes.map(({ volumeId, bytes }) => {
        const moved = done.get(volumeId) ?? 0;
        return { volumeId, bytesTotal: bytes, bytesRead: moved, bytesStored: moved };
      }),
    );
  show();
  const key = profile.kmsKeyId === undefined ? {} : { kmsKeyId: profile.kmsKeyId };
  const restored = await together(
    volumes.map((volume) => async () => {
      const one = await mover.restoreVolume({ ...order, volume, profile: key });
      done.set(volume.volumeId, one.bytesWritten);
      show();
      return one;
    }),
  );
  return {
    snapshots: restored.map(({ snapshot }) => snapshot),
    bytes: restored.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    ms: Date.now() - startedMs,
  };
}
