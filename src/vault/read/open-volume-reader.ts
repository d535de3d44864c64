import type { MapRef } from '../fields.ts';
import { readMap } from '../read-map.ts';
import type { Vault } from '../vault.ts';
import { openBlockCache } from './block-cache.ts';
import { createVolumeReader, type VolumeReader } from './volume-reader.ts';

export interface OpenReader {
  readonly reader: VolumeReader;
  /** Waits for what is still being written into the cache. */
  close(): Promise<void>;
}

export interface VolumeReaderRequest {
  readonly vault: Vault;
  readonly volumeId: string;
  readonly map: Pick<MapRef, 'runId' | 'mapId' | 'mapBytes'>;
  /** Where blocks are kept on the local disk, in the clear, for this and later processes; left out: nowhere. */
  readonly cacheFolder?: string | undefined;
  readonly signal: AbortSignal;
}

/** Random access to a volume of a recovery point, with a cache on the local disk if one is wanted. Needs data and meta. */
export async function openVolumeReader(request: VolumeReaderRequest): Promise<OpenReader> {
  const { vault, volumeId, cacheFolder: folder, signal } = request;
  const map = await readMap(vault, { volumeId, map: request.map }, signal);
  const cache =
    folder === undefined ? undefined : await openBlockCache({ folder, vaultId: vault.vaultId, map, signal });
  return { reader: createVolumeReader(vault, map, cache), close: async () => cache?.close() };
}
