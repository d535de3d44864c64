import { VaultError } from '../errors.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { CATALOG, catalogEntryOf, catalogKeyOf } from './catalog.ts';
import { mustBeComplete } from './complete-volume.ts';
import { sealDocument } from './documents.ts';
import { type LockProgress, lockPoint } from './lock-point.ts';
import { lockedAs } from './lock-policy.ts';
import type { Manifest, ManifestDraft } from './manifest.ts';
import { pointKey } from './object-keys.ts';
import { PACK_BYTES, SEGMENT_BLOCKS } from './parameters.ts';
import { abandoned, COMMIT, readPointState, takenOver } from './points.ts';
import { createdFirst } from './presence.ts';
import { openRun, type Run } from './run.ts';
import type { Vault } from './vault.ts';

interface CommitPointRequest extends CommitRequest {
  readonly vault: Vault;
}

/** Of a run that is open already. */
interface CommitRequest {
  readonly draft: ManifestDraft;
  readonly signal: AbortSignal;
  /** While locks of reused objects are extended, which can be thousands. */
  readonly onProgress?: (progress: LockProgress) => void;
}

/**
 * Makes the recovery point, by one conditional put. Before it nothing is a point, after it everything is. Repeatable: a
 * point this run committed earlier is returned. RunAbandoned when the run was fenced, ObjectMissing or ObjectDamaged
 * when a pack or segment is not there with its size.
 */
export async function commitPoint(request: CommitPointRequest): Promise<Manifest> {
  const { vault, draft, signal } = request;
  return commitPointOf(await openRun(vault, draft.pointId, signal), request);
}

/** As commitPoint, for whoever has opened the run himself. */
export async function commitPointOf(run: Run, request: CommitRequest): Promise<Manifest> {
  const { draft, signal } = request;
  mustCoverSession(run, draft);
  const manifest = (await decided(run, signal)) ?? (await commit(run, request));
  await writeCatalogEntry(run, manifest, signal);
  return manifest;
}

function mustCoverSession({ runId, session }: Run, { volumes }: ManifestDraft): void {
  const archived = new Set(volumes.map(({ volumeId }) => volumeId));
  const left = session.volumes.filter(({ volumeId }) => !archived.has(volumeId)).map(({ volumeId }) => volumeId);
  if (left.length === 0) return;
  const message = `run ${runId} began with ${left.join(', ')}, which the manifest does not hold; a point must be whole`;
  throw new VaultError('ObjectMissing', message, { context: { runId } });
}

/** The manifest if this run has committed; throws if it was fenced; undefined while it is open. */
async function decided({ vault, runId, session }: Run, signal: AbortSignal): Promise<Manifest | undefined> {
  const found = await readPointState(vault, runId, signal);
  if (found?.state === 'abandoned') throw abandoned(found.fence);
  if (found?.state === 'invalid') throw takenOver(runId, found.reason);
  // Whoever still holds older roots could finish a run of theirs here; what this run writes is of its session's epoch.
  if (found && found.manifest.epoch !== session.epoch) {
    throw takenOver(runId, `it is of epoch ${found.manifest.epoch}, the run of epoch ${session.epoch}`);
  }
  return found?.manifest;
}

async function commit(run: Run, { draft, signal, onProgress }: CommitRequest): Promise<Manifest> {
  const { vault, runId, session } = run;
  const retention = await lockPoint({ run, draft, signal, ...(onProgress && { onProgress }) });
  for (const { volumeId, map } of draft.volumes) await mustBeComplete(vault, { volumeId, map }, signal);
  const manifest: Manifest = {
    outcome: 'committed',
    vaultId: vault.vaultId,
    epoch: session.epoch,
    committedAt: vault.clock.now().toISOString(),
    features: { read: [], write: [], delete: [] },
    parameters: { blockBytes: BLOCK_BYTES, segmentBlocks: SEGMENT_BLOCKS, packBytes: PACK_BYTES, codec: 'zstd-1' },
    ...draft,
    retention,
  };
  const key = pointKey(runId);
  const bytes = sealDocument(COMMIT, manifest, { vault, key, epoch: session.epoch });
  if (await createdFirst(vault.store.create(key, bytes, signal, lockedAs(vault, runId)))) return manifest;
  // The reply of an earlier attempt was lost, another attempt was faster, or a fence was.
  const winner = await decided(run, signal);
  if (winner) return winner;
  throw new VaultError('VaultUnreachable', `${key} could neither be created nor read`, { context: { key } });
}

/** Derived and first wins: an older line says the same of the same point. */
async function writeCatalogEntry({ vault, session }: Run, manifest: Manifest, signal: AbortSignal): Promise<void> {
  const key = catalogKeyOf(manifest);
  const bytes = sealDocument(CATALOG, catalogEntryOf(manifest), { vault, key, epoch: session.epoch });
  await createdFirst(vault.store.create(key, bytes, signal));
}
