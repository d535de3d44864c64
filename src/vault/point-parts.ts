import type { ManifestDraft } from './manifest.ts';
import { changesKey, evidenceKey, KEYS_PREFIX, mapKey, packKey, segmentKey, VAULT_KEY } from './object-keys.ts';
import type { Vault } from './vault.ts';
import type { VolumeMap } from './volume-map.ts';

/** What every point of the vault needs to be read: without the wrapped roots all the rest is noise. */
export async function vaultParts({ store }: Vault, signal: AbortSignal): Promise<string[]> {
  const keys = [VAULT_KEY];
  for await (const { key } of store.list(KEYS_PREFIX, signal)) keys.push(key);
  return keys;
}

/** The objects that the manifest names itself. */
export function pointParts({ volumes, evidence, pointId }: Pick<ManifestDraft, 'volumes' | 'evidence' | 'pointId'>) {
  return [
    ...volumes.map(({ volumeId, map }) => mapKey(map.runId, volumeId, map.mapId)),
    ...volumes.filter(({ changes }) => changes !== null).map(({ volumeId }) => changesKey(pointId, volumeId)),
    ...evidence.map(({ runId, name }) => evidenceKey(runId, name)),
  ];
}

/** The objects that a map names. */
export function mapParts({ segments, packs }: Pick<VolumeMap, 'segments' | 'packs'>): string[] {
  return [
    ...segments.filter((segment) => segment !== null).map(({ runId, segmentId }) => segmentKey(runId, segmentId)),
    ...packs.map(({ runId, packId }) => packKey(runId, packId)),
  ];
}
