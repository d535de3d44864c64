import { z } from 'zod';
import { FormatError } from '../errors.ts';
import { readDocument, sealDocument } from './documents.ts';
import { Count, MachineId, RunId, Time } from './fields.ts';
import { measurementKey, measurementsPrefix } from './object-keys.ts';
import { createdFirst } from './presence.ts';
import type { Vault } from './vault.ts';

/**
 * `index/measurements/<machineId>/<runId>.json`: what one restore or verification took. It proves nothing and decides
 * nothing: forecasts are made of it, and a false one makes a false forecast.
 */
export const Measurement = z.strictObject({
  runId: RunId,
  pointId: RunId,
  machineId: MachineId,
  /** What for. */
  kind: z.enum(['verification', 'volumes', 'instance', 'images', 'table', 'instant']),
  startedAt: Time,
  toolVersion: z.string().max(100),
  /** Where the work was done: platform and region, or a host's name for people. */
  where: z.strictObject({ platform: z.string().max(50), place: z.string().max(200) }),
  /** Plain bytes that were read from the vault and written. */
  bytes: Count,
  /** In the order in which they ran; a phase that failed is not in it. */
  phases: z.array(z.strictObject({ phase: z.string().max(50), ms: Count })).max(50),
});
export type Measurement = z.infer<typeof Measurement>;

export const MEASUREMENT = { type: 'measurement', schema: Measurement } as const;

/** Repeatable: the first measurement of a run stands. Needs the meta root. */
export async function writeMeasurement(vault: Vault, measurement: Measurement, signal: AbortSignal): Promise<void> {
  const key = measurementKey(measurement.machineId, measurement.runId);
  await createdFirst(vault.store.create(key, sealDocument(MEASUREMENT, measurement, { vault, key }), signal));
}

export interface MeasurementsRequest {
  readonly vault: Vault;
  /** Default: of every machine. */
  readonly machineId?: string;
  /** The newest ones only. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Newest first. What is damaged or not proven by the keys is left out: forecasts live without it. */
export async function readMeasurements(request: MeasurementsRequest): Promise<readonly Measurement[]> {
  const { vault, machineId, limit, signal } = request;
  const keys: string[] = [];
  for await (const { key } of vault.store.list(measurementsPrefix(machineId), signal)) keys.push(key);
  const newest = keys.toSorted((a, b) => (nameOf(a) < nameOf(b) ? 1 : -1)).slice(0, limit);
  const found: Measurement[] = [];
  for (const key of newest) {
    try {
      found.push(await readDocument(MEASUREMENT, { vault, key }, signal));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return found;
}

/** Run ids begin with their time. */
function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
