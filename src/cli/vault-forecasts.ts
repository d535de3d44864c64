import { BLOCK_BYTES, forecast, type Measurement, readMeasurements, readPoint } from '../vault/index.ts';
import { openConfiguredVault } from './configured-vault.ts';
import type { Forecasts, RestoreKind } from './deps.ts';

/** Enough for ten of one kind among those of the other kinds and machines. */
const LOOKED_AT = 200;

/** A verification does what a restore to a machine does, and asks besides. */
const ALIKE: Readonly<Record<RestoreKind, readonly Measurement['kind'][]>> = {
  instance: ['instance', 'verification'],
  volumes: ['volumes', 'instance', 'verification'],
  images: ['images'],
};

/** From the vault alone, with the meta root. */
export async function openVaultForecasts(named: string | undefined, signal: AbortSignal): Promise<Forecasts> {
  const { vault } = await openConfiguredVault(named, ['meta'], signal);
  return {
    async restoreOf(pointId, kind) {
      const { machine, volumes } = await readPoint({ vault, pointId, signal });
      const bytes = volumes.reduce((sum, { map }) => sum + map.storedBlocks * BLOCK_BYTES, 0);
      const { machineId } = machine;
      const measurements = await readMeasurements({ vault, limit: LOOKED_AT, signal });
      const expected = forecast({ kinds: ALIKE[kind], machineId, bytes, measurements });
      return { pointId, kind, bytes, forecast: expected ?? null };
    },
    close: () => vault.close(),
  };
}
