import { ConfigurationError } from '../errors.ts';
import { inBootOrder } from '../vault/boot-order.ts';
import type { Manifest, ManifestVolume } from '../vault/index.ts';

/** All of the machine's volumes, or those that were named; the root first, the others by device name. */
export function chooseVolumes({ pointId, volumes }: Manifest, wanted: readonly string[] = []): ManifestVolume[] {
  const unknown = wanted.filter((id) => !volumes.some(({ volumeId }) => volumeId === id));
  if (unknown.length > 0) {
    const known = volumes.map(({ volumeId }) => volumeId).join(', ');
    throw new ConfigurationError('InvalidInput', `${pointId} holds ${known}, not ${unknown.join(', ')}`);
  }
  const chosen = wanted.length === 0 ? [...volumes] : volumes.filter(({ volumeId }) => wanted.includes(volumeId));
  return chosen.sort(inBootOrder);
}
