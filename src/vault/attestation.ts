import { z } from 'zod';
import { ConsistencyClass, EvidenceRef, RunId, Time, WorkflowRef } from './fields.ts';

const Judgement = z.strictObject({
  claimed: ConsistencyClass,
  verdict: z.enum(['confirmed', 'refuted', 'not-checked']),
});

/** `attestations/<pointId>/<runId>.json`: what one verification found. `runId` is the verification's own, or its check's id. */
export const Attestation = z.strictObject({
  pointId: RunId,
  runId: RunId,
  verdict: z.enum(['passed', 'failed']),
  /** How deep it looked; left out: restored and booted. */
  level: z.enum(['structure', 'sample', 'full', 'launch']).optional(),
  startedAt: Time,
  finishedAt: Time,
  toolVersion: z.string().max(100),
  workflow: WorkflowRef,
  consistency: z.strictObject({ disks: Judgement, agents: z.record(z.string().max(100), Judgement) }),
  checks: z.array(z.strictObject({ name: z.string().max(200), ok: z.boolean(), text: z.string().max(2000) })),
  evidence: z.array(EvidenceRef),
});
export type Attestation = z.infer<typeof Attestation>;
