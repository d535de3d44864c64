import { z } from 'zod';
import { MAX_VOLUME_BYTES } from './parameters.ts';

/** Fields that several documents share; docs/vault-format.md 5.2. */

/** `<yyyymmddThhmmssZ>-<8 hex>`. */
export const RunId = z.string().regex(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/, 'must be <yyyymmddThhmmssZ>-<8 hex>');
/** At most 64 characters: the field in maps and change sets. No '/', no '..': it becomes part of keys. */
export const VolumeId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -');
export const MachineId = VolumeId;
export const EvidenceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be 1 to 100 of A-Z a-z 0-9 . _ -');
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits');
export const Time = z.iso.datetime({ precision: 3, offset: false });
export const Uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a lower-case UUID');
export const Epoch = z
  .int()
  .min(1)
  .max(2 ** 32 - 1);
export const Count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const VolumeBytes = z.int().min(1).max(MAX_VOLUME_BYTES);

export const ConsistencyClass = z.enum(['crash-consistent', 'clean-shutdown', 'application-consistent']);
export type ConsistencyClass = z.infer<typeof ConsistencyClass>;

/** Names of things a program must understand before it may read, write or delete (docs/vault-format.md 5.4). */
export const Features = z.strictObject({
  read: z.array(z.string()),
  write: z.array(z.string()),
  delete: z.array(z.string()),
});
export type Features = z.infer<typeof Features>;

/** Which workflow execution did it: a person finds its history by these. */
export const WorkflowRef = z.strictObject({ workflowId: z.string().max(1000), temporalRunId: z.string().max(100) });
export type WorkflowRef = z.infer<typeof WorkflowRef>;

/** Names sealed evidence; digest and size are those of its content. */
export const EvidenceRef = z.strictObject({
  runId: RunId,
  name: EvidenceName,
  contentType: z.string().min(1).max(100),
  bytes: Count,
  sha256: Sha256Hex,
});
export type EvidenceRef = z.infer<typeof EvidenceRef>;

/** Names one map and says what a person wants to know of it. */
export const MapRef = z.strictObject({
  runId: RunId,
  mapId: Sha256Hex,
  mapBytes: Count,
  storedBlocks: Count,
  /** Sealed bytes in packs, shared ones included. */
  storedBytes: Count,
  packs: Count,
  volumeDigest: Sha256Hex,
});
export type MapRef = z.infer<typeof MapRef>;

export const ChangeSetRef = z.strictObject({ bytes: Count, sha256: Sha256Hex, changedBlocks: Count });
export type ChangeSetRef = z.infer<typeof ChangeSetRef>;
