import { z } from 'zod';
import { ConsistencyClass, Count, MachineId, RunId, Time } from './fields.ts';
import type { Manifest } from './manifest.ts';
import { catalogKey } from './object-keys.ts';

/** A line for people who browse the bucket. Derived: nothing is decided by it. */
export const CatalogEntry = z.strictObject({
  pointId: RunId,
  machineId: MachineId,
  platform: z.string().max(50),
  name: z.string().max(1024).nullable(),
  capturedAt: Time,
  committedAt: Time,
  disks: ConsistencyClass,
  volumes: Count,
  volumeBytes: Count,
  storedBytes: Count,
});
export type CatalogEntry = z.infer<typeof CatalogEntry>;

export const CATALOG = { type: 'catalog', schema: CatalogEntry } as const;

export function catalogKeyOf({ pointId, machine, capture }: Manifest): string {
  return catalogKey(machine.machineId, capture.capturedAt, pointId);
}

/** The line of a point: nothing in it but what its manifest says. */
export function catalogEntryOf({
  pointId,
  machine,
  capture,
  volumes,
  consistency,
  committedAt,
}: Manifest): CatalogEntry {
  const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);
  return {
    pointId,
    machineId: machine.machineId,
    platform: machine.platform,
    name: machine.name,
    capturedAt: capture.capturedAt,
    committedAt,
    disks: consistency.disks,
    volumes: volumes.length,
    volumeBytes: total(volumes.map(({ volumeBytes }) => volumeBytes)),
    storedBytes: total(volumes.map(({ map }) => map.storedBytes)),
  };
}
