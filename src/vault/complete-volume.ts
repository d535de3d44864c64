import { VaultError } from '../errors.ts';
import type { MapRef } from './fields.ts';
import { packKey, packsPrefix, segmentKey, segmentsPrefix } from './object-keys.ts';
import { readMap } from './read-map.ts';
import { sideBySide } from './side-by-side.ts';
import type { Vault } from './vault.ts';

// Each run that a volume shares objects with is two listings of some 20 ms; a chain of a year has hundreds.
const LISTINGS_AT_ONCE = 8;

interface WantedObject {
  readonly key: string;
  readonly bytes: number;
}

/** Every segment and every pack of a volume must exist with its size: by listings, 1,000 objects per call. */
export async function mustBeComplete(
  vault: Vault,
  { volumeId, map: ref }: { readonly volumeId: string; readonly map: MapRef },
  signal: AbortSignal,
): Promise<void> {
  const map = await readMap(vault, { volumeId, map: ref }, signal);
  const byPrefix = new Map<string, WantedObject[]>();
  const want = (prefix: string, wanted: WantedObject) => {
    const list = byPrefix.get(prefix);
    if (list) list.push(wanted);
    else byPrefix.set(prefix, [wanted]);
  };
  for (const segment of map.segments) {
    if (!segment) continue;
    const key = segmentKey(segment.runId, segment.segmentId);
    want(segmentsPrefix(segment.runId), { key, bytes: segment.segmentBytes });
  }
  for (const { runId, packId, packBytes } of map.packs) {
    want(packsPrefix(runId), { key: packKey(runId, packId), bytes: packBytes });
  }
  await sideBySide(byPrefix, LISTINGS_AT_ONCE, ([prefix, wanted]) => mustExist(vault, { prefix, wanted }, signal));
}

async function mustExist(
  { store }: Vault,
  { prefix, wanted }: { prefix: string; wanted: readonly WantedObject[] },
  signal: AbortSignal,
): Promise<void> {
  const left = new Map(wanted.map(({ key, bytes }) => [key, bytes]));
  for await (const { key, bytes } of store.list(prefix, signal)) {
    const expected = left.get(key);
    if (expected !== undefined && expected !== bytes) {
      const message = `${key} is ${bytes} bytes in ${store.url}, its map says ${expected}; the point cannot be committed`;
      throw new VaultError('ObjectDamaged', message, { context: { key, bytes } });
    }
    left.delete(key);
  }
  const [missing] = left.keys();
  if (missing === undefined) return;
  const message = `${missing} does not exist in ${store.url}, and ${left.size - 1} more; the point cannot be committed, start a new backup`;
  throw new VaultError('ObjectMissing', message, { context: { key: missing, missing: left.size } });
}
