import { FormatError } from '../errors.ts';
import { type DocumentKind, readSigned, type SignedBody } from './documents.ts';
import { RunId } from './fields.ts';
import { Hold, HoldRelease } from './hold.ts';
import { HOLDS_PREFIX, holdKey, holdsPrefix, releaseKey } from './object-keys.ts';
import type { Vault } from './vault.ts';

export const HOLD = { type: 'hold', schema: Hold } as const;
export const RELEASE = { type: 'release', schema: HoldRelease } as const;

interface HoldsRequest {
  readonly vault: Vault;
  readonly signal: AbortSignal;
  /** Told of each object that is not signed by the control key, is damaged or misplaced; it counts for nothing. */
  readonly onInvalid?: (key: string, reason: string) => void;
}

/**
 * The holds that stand, by the id of their point; oldest first. Every role can check them. A point with a hold must not
 * be expired.
 */
export async function listHolds(request: HoldsRequest): Promise<ReadonlyMap<string, readonly Hold[]>> {
  return (await collectHolds(HOLDS_PREFIX, request)).standing;
}

/**
 * The points that must neither expire nor be collected: those under a hold, and those with an object in a hold's place that
 * proves nothing and has no release. It may be a hold that was damaged, and what is deleted is gone.
 */
export async function listKept(request: HoldsRequest): Promise<ReadonlySet<string>> {
  const { standing, doubted } = await collectHolds(HOLDS_PREFIX, request);
  return new Set([...standing.keys(), ...doubted.keys()]);
}

/** As listKept, of one point. */
export async function isHeld(request: HoldsRequest & { readonly pointId: string }): Promise<boolean> {
  const { standing, doubted } = await collectHolds(holdsPrefix(request.pointId), request);
  return standing.has(request.pointId) || doubted.has(request.pointId);
}

/** The holds that stand on one point; oldest first. */
export async function holdsOf(request: HoldsRequest & { readonly pointId: string }): Promise<readonly Hold[]> {
  return (await collectHolds(holdsPrefix(request.pointId), request)).standing.get(request.pointId) ?? [];
}

/** The ids of what stands in a hold's place on one point, proves nothing and has no release. */
export async function doubtedHoldsOf(request: HoldsRequest & { readonly pointId: string }): Promise<readonly string[]> {
  return (await collectHolds(holdsPrefix(request.pointId), request)).doubted.get(request.pointId) ?? [];
}

interface CollectedHolds {
  readonly standing: ReadonlyMap<string, readonly Hold[]>;
  /** By the id of the point: ids of holds. */
  readonly doubted: ReadonlyMap<string, readonly string[]>;
}

async function collectHolds(prefix: string, request: HoldsRequest): Promise<CollectedHolds> {
  const { vault, signal } = request;
  const holds = new Map<string, SignedBody<Hold>[]>();
  /** By the key of the hold: the epoch whose control key released it. */
  const released = new Map<string, number>();
  const unproven: { readonly pointId: string; readonly holdId: string }[] = [];
  for await (const { key } of vault.store.list(prefix, signal)) {
    const name = splitKey(key);
    if (!name) continue;
    const release = name.release ? await readNamed(RELEASE, key, request) : undefined;
    if (release) released.set(holdKey(name.pointId, name.holdId), release.epoch);
    const hold = name.release ? undefined : await readNamed(HOLD, key, request);
    if (hold) holds.set(name.pointId, [...(holds.get(name.pointId) ?? []), hold]);
    else if (!name.release) unproven.push(name);
  }
  const standing = new Map<string, Hold[]>();
  for (const [pointId, placed] of holds) {
    // After a rotation an older control key must not lift what a newer one placed.
    const left = placed.filter(({ body, epoch }) => (released.get(holdKey(pointId, body.holdId)) ?? 0) < epoch);
    if (left.length > 0)
      standing.set(
        pointId,
        left.map(({ body }) => body),
      );
  }
  // Of what epoch it was is not known, so any valid release ends it.
  const unreleased = unproven.filter(({ pointId, holdId }) => !released.has(holdKey(pointId, holdId)));
  const doubted = Map.groupBy(unreleased, ({ pointId }) => pointId);
  return { standing, doubted: new Map([...doubted].map(([id, all]) => [id, all.map(({ holdId }) => holdId)])) };
}

/** Undefined when the object proves nothing: a hold then does not stand, and a release ends nothing. */
async function readNamed<T extends { readonly pointId: string; readonly holdId: string }>(
  kind: DocumentKind<T>,
  key: string,
  { vault, signal, onInvalid }: HoldsRequest,
): Promise<SignedBody<T> | undefined> {
  try {
    const signed = await readSigned(kind, { vault, key }, signal);
    const { body } = signed;
    const place = kind.type === 'hold' ? holdKey : releaseKey;
    if (place(body.pointId, body.holdId) === key) return signed;
    onInvalid?.(key, `is of ${body.pointId}`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    onInvalid?.(key, error.message);
  }
  return undefined;
}

function splitKey(key: string) {
  const [, pointId, holdId, release] = /^holds\/([^/]+)\/([^/.]+)(\.release)?\.json$/.exec(key) ?? [];
  if (!RunId.safeParse(pointId).success || !RunId.safeParse(holdId).success) return undefined;
  return { pointId: pointId ?? '', holdId: holdId ?? '', release: release !== undefined };
}
