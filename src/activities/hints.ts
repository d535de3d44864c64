import type { Run } from '../contract/run.ts';
import type { DataPlatform } from '../platforms/platform.ts';
import {
  type BlockRange,
  type ChangeHints,
  type ChangeSet,
  isDamage,
  readChangeSet,
  type Vault,
} from '../vault/index.ts';

export interface HintsRequest {
  readonly platform: DataPlatform;
  readonly vault: Vault;
  readonly run: Run;
  readonly volumeId: string;
  /** Of production, now. */
  readonly captureId: string;
  readonly base: {
    readonly pointId: string;
    /** Of production, then. */
    readonly captureId: string | null;
    readonly hasChanges: boolean;
  };
  readonly range: BlockRange;
  readonly signal: AbortSignal;
  readonly progress: () => void;
}

export type Hints =
  | { readonly changed: ChangeHints; readonly readAll?: undefined }
  /** Why the platform's word cannot be had. */
  | { readonly changed?: undefined; readonly readAll: string };

/**
 * Which blocks may differ between the parent's clone and this run's. Two clones are no direct relatives, so no listing is
 * promised for them; but what differs changed in the parent's clone, in production, or in this clone, and for each of
 * these the platform promises one (EBS direct APIs: same volume or snapshot lineage). Lists the capture's range anew,
 * which ends the life of no token that reads the clone's snapshot.
 */
export async function findHints(request: HintsRequest): Promise<Hints> {
  const { platform, vault, run, volumeId, base, range, signal, progress } = request;
  const { pointId } = base;
  if (!base.hasChanges) return { readAll: `point ${pointId} does not say what its clone had changed` };
  if (base.captureId === null) return { readAll: `point ${pointId} names no capture of ${volumeId}` };
  const before = await findChangeSet(vault, { runId: pointId, volumeId }, signal);
  if (!before) return { readAll: `what the clone of point ${pointId} had changed cannot be read` };
  const since = await findChangeSet(vault, { runId: run.runId, volumeId }, signal);
  if (!since) return { readAll: 'the platform cannot compare the clone with its capture' };
  const capture = await platform.openSource(run, request.captureId, signal);
  const listed = await capture.changedSince(base.captureId, range, signal);
  if (listed === 'unrelated') return { readAll: `the capture of point ${pointId} is gone or is no relative any more` };
  const between = new Set<number>();
  for await (const { index } of listed) {
    progress();
    between.add(index);
  }
  return { changed: { has: (index) => between.has(index) || before.has(index) || since.has(index) } };
}

/** Undefined when it is not there or is damaged: then no increment is built on it. */
async function findChangeSet(
  vault: Vault,
  { runId, volumeId }: { readonly runId: string; readonly volumeId: string },
  signal: AbortSignal,
): Promise<ChangeSet | undefined> {
  try {
    return await readChangeSet({ vault, runId, volumeId, signal });
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
