import type { Fence } from './fence.ts';
import type { Manifest } from './manifest.ts';
import type { Tombstone } from './tombstone.ts';
import type { Vault } from './vault.ts';

/** What stands at `points/<runId>.json`. Neither a valid commit nor a valid fence counts as abandoned and is reported. */
export type PointState =
  | {
      readonly state: 'committed';
      readonly pointId: string;
      readonly manifest: Manifest;
      readonly expired: Tombstone | null;
    }
  | { readonly state: 'abandoned'; readonly pointId: string; readonly fence: Fence }
  | { readonly state: 'invalid'; readonly pointId: string; readonly reason: string };

/** Oldest first. */
export async function* listPoints(_: { vault: Vault; signal: AbortSignal }): AsyncIterable<PointState> {
  throw new Error('not written yet');
}

/** The manifest of a committed point. PointMissing, RunAbandoned (fenced), or FormatError naming the object. */
export async function readPoint(_: { vault: Vault; pointId: string; signal: AbortSignal }): Promise<Manifest> {
  throw new Error('not written yet');
}

/** The fence of a run; undefined when it is committed or undecided. */
export async function readFence(_: { vault: Vault; runId: string; signal: AbortSignal }): Promise<Fence | undefined> {
  throw new Error('not written yet');
}

/** Ends an undecided run for good. 'committed' when the run was faster. Needs the control root. */
export async function fenceRun(_: {
  vault: Vault;
  runId: string;
  reason: string;
  signal: AbortSignal;
}): Promise<'fenced' | 'committed'> {
  throw new Error('not written yet');
}
