import { z } from 'zod';
import { Epoch, MachineId, RunId, Time, VolumeBytes, VolumeId, WorkflowRef } from './fields.ts';

/** `runs/<runId>/session.json`: what a run means to do. Its candidate parents are pinned until the run is decided. */
export const Session = z.strictObject({
  runId: RunId,
  epoch: Epoch,
  startedAt: Time,
  toolVersion: z.string().max(100),
  source: z.strictObject({ platform: z.string().max(50), machineId: MachineId }),
  workflow: WorkflowRef,
  volumes: z
    .array(z.strictObject({ volumeId: VolumeId, volumeBytes: VolumeBytes }))
    .min(1)
    .max(128),
  /** Every point this run may build on; empty as long as every block is read in full each time. */
  candidateParents: z.array(z.strictObject({ pointId: RunId })).max(16),
});
export type Session = z.infer<typeof Session>;
