import { z } from 'zod';
import { ConsistencyClass, Count, MachineId, RunId, Time } from './fields.ts';

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
