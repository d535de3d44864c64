import { z } from 'zod';
import {
  ChangeSetRef,
  ConsistencyClass,
  Count,
  Epoch,
  EvidenceRef,
  Features,
  MachineId,
  MapRef,
  RunId,
  Sha256Hex,
  Time,
  Uuid,
  VolumeBytes,
  VolumeId,
  WorkflowRef,
} from './fields.ts';

/** The body of a commit: what a person opens when everything else is gone (docs/vault-format.md 5.3). */

// Longer than any identifier or name a platform gives (EC2 tag values: 256), short enough for 256 KiB in all.
const Text = z.string().max(1024);
const MaybeText = Text.nullable();
const Tags = z.record(Text, Text);

/** What launches the machine again. `facts` holds what only its platform understands. */
export const MachineFacts = z.strictObject({
  platform: z.string().min(1).max(50),
  machineId: MachineId,
  account: MaybeText,
  region: MaybeText,
  zone: MaybeText,
  name: MaybeText,
  /** Instance type, or the platform's word for size. */
  type: MaybeText,
  architecture: MaybeText,
  bootMode: MaybeText,
  rootDeviceName: MaybeText,
  imageId: MaybeText,
  tags: Tags,
  addresses: z.array(Text),
  facts: z.record(z.string().max(200), z.union([z.string().max(16_384), z.number(), z.boolean(), z.null()])),
});
export type MachineFacts = z.infer<typeof MachineFacts>;

const VolumeSnapshot = z.strictObject({ volumeId: VolumeId, snapshotId: Text });

/** The instant, and what was archived: the clone's snapshots. */
export const CaptureFacts = z.strictObject({
  /** The recovery point's time. */
  capturedAt: Time,
  requestedAt: Time.nullable(),
  /** Null until a platform can hold the memory too. */
  memory: z.null(),
  snapshots: z.array(VolumeSnapshot),
  cloneId: MaybeText,
  cloneSnapshots: z.array(VolumeSnapshot),
});
export type CaptureFacts = z.infer<typeof CaptureFacts>;

export const ManifestVolume = z.strictObject({
  volumeId: VolumeId,
  role: z.enum(['machine', 'agent-output']),
  deviceName: Text,
  root: z.boolean(),
  volumeBytes: VolumeBytes,
  type: MaybeText,
  iops: Count.nullable(),
  throughput: Count.nullable(),
  encrypted: z.boolean(),
  kmsKeyId: MaybeText,
  tags: Tags,
  map: MapRef,
  changes: ChangeSetRef.nullable(),
});
export type ManifestVolume = z.infer<typeof ManifestVolume>;

/** What was proven when the point was committed; verification confirms or refutes it in an attestation. */
export const ConsistencyFacts = z.strictObject({
  atLeast: ConsistencyClass,
  disks: ConsistencyClass,
  agents: z.record(z.string().max(100), ConsistencyClass),
  proofs: z.array(
    z.strictObject({
      name: z.string().max(200),
      verdict: z.enum(['proven', 'refuted', 'unknown', 'not-observed']),
      text: z.string().max(2000),
    }),
  ),
});
export type ConsistencyFacts = z.infer<typeof ConsistencyFacts>;

export const Retention = z.strictObject({
  mode: z.enum(['none', 'governance', 'compliance']),
  /** Until then Object Lock forbids deleting. */
  retainUntil: Time.nullable(),
  /** From then on expiry is wanted. */
  keepUntil: Time.nullable(),
});
export type Retention = z.infer<typeof Retention>;

/** What the run knows and hands to `commitPoint`; the rest of the manifest is the vault's. */
export const ManifestDraft = z.strictObject({
  pointId: RunId,
  toolVersion: z.string().max(100),
  method: z.string().max(100),
  workflow: WorkflowRef,
  plan: MaybeText,
  machine: MachineFacts,
  capture: CaptureFacts,
  volumes: z.array(ManifestVolume).min(1).max(128),
  consistency: ConsistencyFacts,
  evidence: z.array(EvidenceRef),
  acceptedWarnings: z.array(z.strictObject({ code: z.string().max(200), text: z.string().max(2000) })),
  parents: z.array(z.strictObject({ volumeId: VolumeId, pointId: RunId, mapId: Sha256Hex })),
  retention: Retention,
});
export type ManifestDraft = z.infer<typeof ManifestDraft>;

export const Manifest = z.strictObject({
  outcome: z.literal('committed'),
  vaultId: Uuid,
  epoch: Epoch,
  committedAt: Time,
  features: Features,
  parameters: z.strictObject({
    blockBytes: Count,
    segmentBlocks: Count,
    packBytes: Count,
    codec: z.string().max(50),
  }),
  ...ManifestDraft.shape,
});
export type Manifest = z.infer<typeof Manifest>;

/** Whether a machine can be made of the point, or a later one built on it: not of agents' output alone. */
export function holdsDisks({ volumes }: Pick<Manifest, 'volumes'>): boolean {
  return volumes.some(({ role }) => role === 'machine');
}
