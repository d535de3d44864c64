import { FormatError } from '../errors.ts';
import type { MapRef } from './fields.ts';
import { mustBe, naming } from './must-be.ts';
import { mapKey } from './object-keys.ts';
import { mustKnowEpoch } from './read-segment.ts';
import { openObject } from './sealed-object.ts';
import type { Vault } from './vault.ts';
import { decodeVolumeMap, MAP_FRAME, type VolumeMap } from './volume-map.ts';

export interface MapName {
  readonly volumeId: string;
  readonly map: Pick<MapRef, 'runId' | 'mapId' | 'mapBytes'>;
}

/** Reads and proves one map. Errors name its key: ObjectMissing, ObjectDamaged, FormatError. */
export async function readMap(vault: Vault, { volumeId, map }: MapName, signal: AbortSignal): Promise<VolumeMap> {
  const key = mapKey(map.runId, volumeId, map.mapId);
  const bytes = await vault.store.get(key, signal);
  return naming(key, () => {
    mustBe('length', bytes.length, map.mapBytes);
    const place = { vaultId: vault.vaultId, runId: map.runId, name: volumeId };
    const keyOf = (epoch: number) => vault.keys.meta(mustKnowEpoch(vault, epoch), 'map');
    const decoded = decodeVolumeMap(openObject(MAP_FRAME, bytes, { place, keyOf }));
    if (decoded.volumeId !== volumeId) throw new FormatError(`is the map of ${decoded.volumeId}, must be ${volumeId}`);
    return decoded;
  });
}
