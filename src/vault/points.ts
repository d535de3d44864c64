import { FormatError, VaultError } from '../errors.ts';
import { openDocument, readDocumentBytes, sealDocument } from './documents.ts';
import { mustKnow } from './features.ts';
import { Fence } from './fence.ts';
import { RunId } from './fields.ts';
import { inOrder, type Task } from './in-order.ts';
import { claimedEpoch, readDocumentHead } from './json-document.ts';
import { Manifest } from './manifest.ts';
import { naming } from './must-be.ts';
import { pointKey, tombstoneKey } from './object-keys.ts';
import { createdFirst, ifPresent } from './presence.ts';
import type { OnInvalid } from './read-keys.ts';
import { findTombstone } from './read-tombstone.ts';
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
  | {
      readonly state: 'invalid';
      readonly pointId: string;
      readonly reason: string;
      /** It claims an epoch of which the vault has no keys. */
      readonly unknownEpoch?: number;
    };

export const COMMIT = { type: 'commit', schema: Manifest } as const;
const FENCE = { type: 'fence', schema: Fence } as const;

// Each point costs one or two small requests of some 20 ms, and a vault can have thousands.
const READS_AT_ONCE = 8;

interface ListPointsRequest {
  readonly vault: Vault;
  readonly signal: AbortSignal;
  /** Told of each tombstone that ends nothing, being damaged or forged. */
  readonly onInvalid?: OnInvalid | undefined;
}

/** Oldest first. */
export async function* listPoints(request: ListPointsRequest): AsyncIterable<PointState> {
  for await (const found of inOrder(readEach(request), { depth: READS_AT_ONCE, signal: request.signal })) {
    if (found) yield found;
  }
}

async function* readEach({ vault, signal, onInvalid }: ListPointsRequest): AsyncIterable<Task<PointState | undefined>> {
  const buried = new Set<string>();
  for await (const { key } of vault.store.list('tombstones/', signal)) buried.add(key);
  for await (const { key } of vault.store.list('points/', signal)) {
    const pointId = /^points\/(.*)\.json$/.exec(key)?.[1];
    if (pointId === undefined || !RunId.safeParse(pointId).success) continue;
    yield buried.has(tombstoneKey(pointId))
      ? (ours) => findPointState({ vault, pointId, signal: ours, onInvalid })
      : (ours) => readPointState(vault, pointId, ours);
  }
}

/** One point as listPoints has it; undefined while its run is undecided. */
export async function findPointState({
  vault,
  pointId,
  signal,
  onInvalid,
}: ListPointsRequest & { readonly pointId: string }): Promise<PointState | undefined> {
  const found = await readPointState(vault, pointId, signal);
  if (found?.state !== 'committed') return found;
  const expired = await findTombstone(vault, { pointId, epoch: found.manifest.epoch, signal, onInvalid });
  return { ...found, expired: expired ?? null };
}

/** Undefined while the run is undecided. Tombstones are not looked at. */
export async function readPointState(
  vault: Vault,
  pointId: string,
  signal: AbortSignal,
): Promise<PointState | undefined> {
  const key = pointKey(pointId);
  let epoch: number | undefined;
  try {
    const bytes = await ifPresent(readDocumentBytes(vault, key, signal));
    if (!bytes) return undefined;
    epoch = claimedEpoch(bytes);
    const { type } = naming(key, () => readDocumentHead(bytes));
    if (type === 'fence') return { state: 'abandoned', pointId, fence: decodeFence(vault, pointId, bytes) };
    return { state: 'committed', pointId, manifest: decodeManifest(vault, pointId, bytes), expired: null };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const invalid = { state: 'invalid', pointId, reason: error.message } as const;
    return epoch === undefined || vault.keys.knows(epoch) ? invalid : { ...invalid, unknownEpoch: epoch };
  }
}

function decodeManifest(vault: Vault, pointId: string, bytes: Uint8Array): Manifest {
  const key = pointKey(pointId);
  const manifest = openDocument(COMMIT, bytes, { vault, key });
  const { epoch } = readDocumentHead(bytes);
  if (manifest.epoch !== epoch) {
    const message = `${key} says epoch ${manifest.epoch} and is proven by the keys of epoch ${epoch}`;
    throw new FormatError(message, { context: { object: key } });
  }
  if (manifest.pointId === pointId && manifest.vaultId === vault.vaultId) return manifest;
  throw new FormatError(`${key} holds the manifest of ${manifest.pointId}`, { context: { object: key } });
}

function decodeFence(vault: Vault, runId: string, bytes: Uint8Array): Fence {
  const key = pointKey(runId);
  const fence = openDocument(FENCE, bytes, { vault, key });
  if (fence.runId === runId) return fence;
  throw new FormatError(`${key} holds the fence of ${fence.runId}`, { context: { object: key } });
}

/** The manifest of a committed point. PointMissing, RunAbandoned (fenced), or FormatError naming the object. */
export async function readPoint({
  vault,
  pointId,
  signal,
}: {
  readonly vault: Vault;
  readonly pointId: string;
  readonly signal: AbortSignal;
}): Promise<Manifest> {
  const key = pointKey(pointId);
  const found = await readPointState(vault, pointId, signal);
  if (!found) {
    const message = `there is no recovery point ${pointId} in ${vault.store.url}; list the points there are`;
    throw new VaultError('PointMissing', message, { context: { pointId } });
  }
  if (found.state === 'abandoned') throw abandoned(found.fence);
  if (found.state === 'invalid') throw new FormatError(found.reason, { context: { object: key } });
  mustKnow(found.manifest.features.read, key);
  return found.manifest;
}

/** The fence of a run; undefined when it is committed or undecided. */
export async function readFence({
  vault,
  runId,
  signal,
}: {
  readonly vault: Vault;
  readonly runId: string;
  readonly signal: AbortSignal;
}): Promise<Fence | undefined> {
  const found = await readPointState(vault, runId, signal);
  return found?.state === 'abandoned' ? found.fence : undefined;
}

export async function mustNotBeFenced(vault: Vault, runId: string, signal: AbortSignal): Promise<void> {
  const found = await readPointState(vault, runId, signal);
  if (found?.state === 'abandoned') throw abandoned(found.fence);
  if (found?.state === 'invalid') throw takenOver(runId, found.reason);
}

export function abandoned({ runId, fencedAt, reason }: Fence): VaultError {
  const message = `run ${runId} was abandoned at ${fencedAt}: ${reason}; start a new backup`;
  return new VaultError('RunAbandoned', message, { context: { runId } });
}

/** Somebody without the keys put something where the run must commit. */
export function takenOver(runId: string, reason: string): VaultError {
  const message = `${pointKey(runId)} holds neither a valid commit nor a valid fence, so run ${runId} can never commit; find out who writes to this vault. ${reason}`;
  return new VaultError('RunAbandoned', message, { context: { runId } });
}

/** Ends an undecided run for good. 'committed' when the run was faster. Needs the control root. */
export async function fenceRun({
  vault,
  runId,
  reason,
  signal,
}: {
  readonly vault: Vault;
  readonly runId: string;
  readonly reason: string;
  readonly signal: AbortSignal;
}): Promise<'fenced' | 'committed'> {
  await vault.refreshKeys(signal); // so that it is signed by the newest control key
  const key = pointKey(runId);
  const fence: Fence = { outcome: 'abandoned', runId, fencedAt: vault.clock.now().toISOString(), reason };
  const bytes = sealDocument(FENCE, fence, { vault, key });
  if (await createdFirst(vault.store.create(key, bytes, signal))) return 'fenced';
  const found = await readPointState(vault, runId, signal);
  return found?.state === 'committed' ? 'committed' : 'fenced';
}
