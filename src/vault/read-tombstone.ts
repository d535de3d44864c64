import { FormatError } from '../errors.ts';
import { readSigned } from './documents.ts';
import { Manifest } from './manifest.ts';
import { pointKey, tombstoneKey } from './object-keys.ts';
import { ifPresent } from './presence.ts';
import type { OnInvalid } from './read-keys.ts';
import { Tombstone } from './tombstone.ts';
import type { Vault } from './vault.ts';

export const TOMBSTONE = { type: 'tombstone', schema: Tombstone } as const;

interface TombstoneAsked {
  readonly pointId: string;
  /** The point's, of its manifest; read when it is needed and not given. */
  readonly epoch?: number;
  readonly signal: AbortSignal;
  /** Told why a tombstone ends nothing. */
  readonly onInvalid?: OnInvalid | undefined;
}

/**
 * The point's tombstone. Ignored and reported is one that no control key signed, and one signed by the control key of an
 * earlier epoch than the point's: after a rotation, who still holds the old key must not reach what came later.
 */
export async function findTombstone(
  vault: Vault,
  { pointId, epoch, signal, onInvalid }: TombstoneAsked,
): Promise<Tombstone | undefined> {
  const key = tombstoneKey(pointId);
  try {
    const found = await ifPresent(readSigned(TOMBSTONE, { vault, key }, signal));
    if (!found) return undefined;
    if (found.body.pointId !== pointId) throw new FormatError(`${key} is of point ${found.body.pointId}`);
    mustReach(key, {
      signed: found.epoch,
      point: epoch ?? (await epochOfPoint(vault, { pointId, signed: found.epoch, signal })),
    });
    return found.body;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    onInvalid?.(key, error.message);
    return undefined;
  }
}

/** The newest control key reaches every point, so only after a rotation is there anything to read. */
async function epochOfPoint(
  vault: Vault,
  { pointId, signed, signal }: { readonly pointId: string; readonly signed: number; readonly signal: AbortSignal },
): Promise<number> {
  if (signed >= vault.epoch) return signed;
  const key = pointKey(pointId);
  const point = await ifPresent(readSigned({ type: 'commit', schema: Manifest }, { vault, key }, signal));
  if (point) return point.epoch;
  throw new FormatError(`${key} does not exist: an older control key may only end points that are committed`);
}

/** A control key judges points of its own epoch and of earlier ones. */
export function mustReach(key: string, { signed, point }: { readonly signed: number; readonly point: number }): void {
  if (signed >= point) return;
  throw new FormatError(`${key} is signed by the control key of epoch ${signed}, its point is of epoch ${point}`);
}
