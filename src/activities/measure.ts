import type { Run } from '../contract/run.ts';
import { type Measurement, writeMeasurement } from '../vault/index.ts';
import { beating } from './beating.ts';
import type { VaultDoor } from './vault-door.ts';

export interface MeasureDeps {
  readonly vaults: VaultDoor;
  readonly toolVersion: string;
}

export interface MeasureRequest extends Pick<Measurement, 'kind' | 'machineId' | 'bytes'> {
  readonly run: Run;
  readonly vault: string;
  readonly pointId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly region: string;
  readonly phases: readonly Measurement['phases'][number][];
}

export function createMeasureActivities({ vaults, toolVersion }: MeasureDeps) {
  return {
    /** What a restore took, for the forecast of the next one. */
    async recordMeasurement(request: MeasureRequest): Promise<void> {
      await beating(async ({ signal }) => {
        const { run, vault, region, phases, pointId, machineId, kind, startedAt, bytes } = request;
        const measurement: Measurement = {
          runId: run.runId,
          pointId,
          machineId,
          kind,
          startedAt,
          toolVersion,
          where: { platform: 'ec2', place: region },
          bytes,
          phases: [...phases],
        };
        await writeMeasurement(await vaults.open(vault, signal), measurement, signal);
      });
    },
  };
}
