import {
  archiveShard,
  beginRun,
  commitPoint,
  finishVolume,
  type Manifest,
  type ManifestDraft,
  openImage,
  type Vault,
} from '../../src/vault/index.ts';
import { countShards } from '../../src/vault/parameters.ts';

export interface MachineImage {
  readonly volumeId: string;
  readonly deviceName: string;
  readonly path: string;
}

export interface ArchiveImagesRequest {
  readonly vault: Vault;
  readonly runId: string;
  readonly machineId: string;
  /** Root first. */
  readonly images: readonly MachineImage[];
  readonly signal: AbortSignal;
}

/** Raw images as the volumes of one machine: what a backup of a stopped clone archives. */
export async function archiveImages({
  vault,
  runId,
  machineId,
  images,
  signal,
}: ArchiveImagesRequest): Promise<Manifest> {
  const opened = await Promise.all(
    images.map(async (image) => ({ ...image, raw: await openImage(image.path, signal) })),
  );
  const workflow = { workflowId: `instance-backup/local/${machineId}`, temporalRunId: runId };
  const now = new Date().toISOString();
  await beginRun({
    vault,
    session: {
      runId,
      startedAt: now,
      toolVersion: '0.1.0',
      source: { platform: 'ec2', machineId },
      workflow,
      volumes: opened.map(({ volumeId, raw }) => ({ volumeId, volumeBytes: raw.source.volumeBytes })),
      candidateParents: [],
    },
    signal,
  });
  const volumes: ManifestDraft['volumes'] = [];
  for (const { volumeId, deviceName, raw } of opened) {
    const { source } = raw;
    const common = { vault, runId, volumeId, shardSegments: 1, signal };
    for (let shard = 0; shard < countShards(source.volumeBytes, 1); shard++)
      await archiveShard({ ...common, shard, source });
    const map = await finishVolume({ ...common, volumeBytes: source.volumeBytes });
    volumes.push(volumeOf({ volumeId, deviceName, volumeBytes: source.volumeBytes, root: volumes.length === 0, map }));
    await raw.close();
  }
  return commitPoint({ vault, draft: draftOf({ runId, machineId, now, workflow, volumes }), signal });
}

type Volumes = ManifestDraft['volumes'];
type VolumeFacts = Pick<Volumes[number], 'volumeId' | 'deviceName' | 'volumeBytes' | 'root' | 'map'>;

function volumeOf(facts: VolumeFacts): Volumes[number] {
  const unknown = { type: null, iops: null, throughput: null, kmsKeyId: null, changes: null };
  return { ...unknown, ...facts, role: 'machine', encrypted: false, tags: {} };
}

interface DraftFacts {
  readonly runId: string;
  readonly machineId: string;
  readonly now: string;
  readonly workflow: ManifestDraft['workflow'];
  readonly volumes: Volumes;
}

function draftOf({ runId, machineId, now, workflow, volumes }: DraftFacts): ManifestDraft {
  return {
    pointId: runId,
    toolVersion: '0.1.0',
    method: 'stop-and-snapshot',
    workflow,
    plan: null,
    machine: {
      platform: 'ec2',
      machineId,
      account: null,
      region: null,
      zone: null,
      name: null,
      type: 'm6i.large',
      architecture: 'x86_64',
      bootMode: 'legacy-bios',
      rootDeviceName: volumes[0]?.deviceName ?? null,
      imageId: null,
      tags: {},
      addresses: ['10.20.1.77'],
      facts: {},
    },
    capture: {
      capturedAt: now,
      requestedAt: now,
      memory: null,
      snapshots: [],
      cloneId: null,
      cloneSnapshots: [],
    },
    volumes,
    consistency: { atLeast: 'clean-shutdown', disks: 'clean-shutdown', agents: {}, proofs: [] },
    evidence: [],
    acceptedWarnings: [],
    parents: [],
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}
