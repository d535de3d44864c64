import { VaultError } from '../errors.ts';
import { sealDocument } from './documents.ts';
import type { Hold, HoldRelease } from './hold.ts';
import { doubtedHoldsOf, HOLD, holdsOf, listHolds, RELEASE } from './holds.ts';
import { holdKey, pointKey, releaseKey } from './object-keys.ts';
import { mapParts, pointParts, vaultParts } from './point-parts.ts';
import { readPoint } from './points.ts';
import { createdFirst } from './presence.ts';
import { readMap } from './read-map.ts';
import { findTombstone } from './read-tombstone.ts';
import { sideBySide } from './side-by-side.ts';
import type { Vault } from './vault.ts';

/** As in lock-point.ts: a third of the store's sockets. */
const AT_A_TIME = 32;

export interface HoldProgress {
  readonly objects: number;
  readonly done: number;
}

export interface HoldRequest {
  readonly vault: Vault;
  readonly pointId: string;
  readonly reason: string;
  readonly signal: AbortSignal;
  /** With a lock policy: while legal holds are placed or released, which can be thousands. */
  readonly onProgress?: (progress: HoldProgress) => void;
}

/**
 * Stops expiry of a point until the hold is released. Where the vault locks, every object of the point gets a legal
 * hold, too. Repeatable: a hold with the same reason stands and its legal holds are placed again. Needs the control root.
 */
export async function holdPoint(request: HoldRequest & { readonly holdId: string }): Promise<Hold> {
  const { vault, pointId, holdId, reason, signal } = request;
  await vault.refreshKeys(signal); // an older control key could be released by an older one
  await mustNotBeExpired(request);
  const standing = (await holdsOf({ vault, pointId, signal })).find((hold) => hold.reason === reason);
  const hold = standing ?? { pointId, holdId, placedAt: vault.clock.now().toISOString(), reason };
  const key = holdKey(pointId, hold.holdId);
  // The document first: from then on nobody expires the point, and the slow part may be repeated.
  if (!standing) await createdFirst(vault.store.create(key, sealDocument(HOLD, hold, { vault, key }), signal));
  if (await isLocked(request)) await forEach([key, ...(await partsOf(request))], request, 'placeHold');
  // A tombstone of the same moment is told here; the hold stands and keeps the bytes.
  await mustNotBeExpired(request);
  return hold;
}

/**
 * Releases every hold that stands on the point, and what may have been one before it was damaged; the holds that it ended.
 * Legal holds go first and the document last, so a crash leaves a point that is held. Objects that another held point shares
 * keep theirs. Needs the control root.
 */
export async function releasePoint(request: HoldRequest): Promise<readonly Hold[]> {
  const { vault, pointId, reason, signal } = request;
  await vault.refreshKeys(signal); // an older control key does not lift what a newer one placed
  const standing = await holdsOf({ vault, pointId, signal });
  const doubted = await doubtedHoldsOf({ vault, pointId, signal });
  const holdIds = [...standing.map(({ holdId }) => holdId), ...doubted];
  const before = await heldPoints(request);
  if (await isLocked(request)) {
    const shared = await partsOfAll(request, before);
    const keys = [...holdIds.map((holdId) => holdKey(pointId, holdId)), ...(await partsOf(request))];
    const own = keys.filter((key) => !shared.has(key));
    await forEach(own, request, 'releaseHold');
    await placeAgain(request, { released: new Set(own), before });
  }
  for (const holdId of holdIds) {
    const key = releaseKey(pointId, holdId);
    const release: HoldRelease = { pointId, holdId, releasedAt: vault.clock.now().toISOString(), reason };
    await createdFirst(vault.store.create(key, sealDocument(RELEASE, release, { vault, key }), signal));
  }
  return standing;
}

/** A hold placed on another point meanwhile may share objects whose legal hold was just released. */
async function placeAgain(
  request: HoldRequest,
  { released, before }: { readonly released: ReadonlySet<string>; readonly before: ReadonlySet<string> },
): Promise<void> {
  const since = new Set([...(await heldPoints(request))].filter((pointId) => !before.has(pointId)));
  const shared = await partsOfAll(request, since);
  await forEach(
    [...shared].filter((key) => released.has(key)),
    request,
    'placeHold',
  );
}

/** The other points with a hold. */
async function heldPoints({ vault, pointId, signal }: HoldRequest): Promise<ReadonlySet<string>> {
  const held = new Set((await listHolds({ vault, signal })).keys());
  held.delete(pointId);
  return held;
}

async function partsOfAll(request: HoldRequest, pointIds: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const parts = new Set<string>();
  for (const pointId of pointIds) for (const key of await partsOf({ ...request, pointId })) parts.add(key);
  return parts;
}

/** Everything that is needed to read the point. */
async function partsOf({ vault, pointId, signal }: HoldRequest): Promise<string[]> {
  const manifest = await readPoint({ vault, pointId, signal });
  const parts = new Set([pointKey(pointId), ...(await vaultParts(vault, signal)), ...pointParts(manifest)]);
  for (const volume of manifest.volumes) {
    for (const key of mapParts(await readMap(vault, volume, signal))) parts.add(key);
  }
  return [...parts];
}

async function forEach(
  keys: readonly string[],
  { vault, signal, onProgress }: HoldRequest,
  action: 'placeHold' | 'releaseHold',
): Promise<void> {
  let done = 0;
  await sideBySide(keys, AT_A_TIME, async (key) => {
    await vault.store[action](key, signal);
    onProgress?.({ objects: keys.length, done: ++done });
  });
}

/** By the configuration or, where that is not known, by what the point itself says. */
async function isLocked({ vault, pointId, signal }: HoldRequest): Promise<boolean> {
  return vault.lock !== undefined || (await readPoint({ vault, pointId, signal })).retention.mode !== 'none';
}

async function mustNotBeExpired({ vault, pointId, signal }: HoldRequest): Promise<void> {
  const { epoch } = await readPoint({ vault, pointId, signal });
  const tombstone = await findTombstone(vault, { pointId, epoch, signal });
  if (!tombstone) return;
  const message = `${pointId} has expired at ${tombstone.expiredAt}: ${tombstone.reason}; expiry is final, a hold must come before it`;
  throw new VaultError('PointMissing', message, { context: { pointId } });
}
