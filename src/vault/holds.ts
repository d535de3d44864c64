import { FormatError } from '../errors.ts';
import { type DocumentKind, readDocument } from './documents.ts';
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
  return collectHolds(HOLDS_PREFIX, request);
}

export async function isHeld(request: HoldsRequest & { readonly pointId: string }): Promise<boolean> {
  return (await holdsOf(request)).length > 0;
}

/** The holds that stand on one point; oldest first. */
export async function holdsOf(request: HoldsRequest & { readonly pointId: string }): Promise<readonly Hold[]> {
  return (await collectHolds(holdsPrefix(request.pointId), request)).get(request.pointId) ?? [];
}

async function collectHolds(prefix: string, request: HoldsRequest): Promise<Map<string, Hold[]>> {
  const { vault, signal } = request;
  const holds = new Map<string, Hold[]>();
  const released = new Set<string>();
  for await (const { key } of vault.store.list(prefix, signal)) {
    const name = splitKey(key);
    if (!name) continue;
    if (name.release && (await readNamed(RELEASE, key, request))) released.add(holdKey(name.pointId, name.holdId));
    const hold = name.release ? undefined : await readNamed(HOLD, key, request);
    if (hold) holds.set(name.pointId, [...(holds.get(name.pointId) ?? []), hold]);
  }
  for (const [pointId, placed] of holds) {
    const standing = placed.filter(({ holdId }) => !released.has(holdKey(pointId, holdId)));
    if (standing.length > 0) holds.set(pointId, standing);
    else holds.delete(pointId);
  }
  return holds;
}

/** Undefined when the object proves nothing: a hold then does not stand, and a release ends nothing. */
async function readNamed<T extends { readonly pointId: string; readonly holdId: string }>(
  kind: DocumentKind<T>,
  key: string,
  { vault, signal, onInvalid }: HoldsRequest,
): Promise<T | undefined> {
  try {
    const body = await readDocument(kind, { vault, key }, signal);
    const place = kind.type === 'hold' ? holdKey : releaseKey;
    if (place(body.pointId, body.holdId) === key) return body;
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
