import { OUTPUT_VOLUME_ID } from '../contract/agent-output.ts';
import type { AgentRecord, BootReport, ConsistencyVerdict, EvidenceRef, Fact } from '../contract/evidence.ts';
import type {
  Capture,
  MachineFacts,
  Observation,
  OwnMachine,
  SnapshotFacts,
  VolumeFacts,
} from '../contract/machine.ts';
import type { ResolvedBackup } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { judgeConsistency } from '../recipes/consistency.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import {
  commitPoint,
  type LockProgress,
  type ManifestDraft,
  type ManifestVolume,
  openArchivedVolume,
  recordRunFacts,
} from '../vault/index.ts';
import { recordAgents } from './agent-records.ts';
import type { ArchivedWithChanges, VolumeArchive } from './archive.ts';
import { beating } from './beating.ts';
import { confirmOutputs } from './confirm-outputs.ts';
import { readDiskFacts } from './disk-facts.ts';
import { judgeHarvest, matched, NO_DISKS } from './examine.ts';
import { recordMachine } from './machine-record.ts';
import type { VaultDoor } from './vault-door.ts';

export interface CommitDeps {
  readonly vaults: VaultDoor;
  readonly findRecipe: FindRecipe;
  readonly toolVersion: string;
}

export interface ConfirmRequest {
  readonly backup: ResolvedBackup;
  readonly machine: MachineFacts;
  readonly volumes: readonly VolumeArchive[];
  readonly observation: Observation;
  readonly stoppedByUs: boolean;
  readonly console: Fact;
  readonly report: BootReport;
}

export interface CommitRequest {
  readonly run: Run;
  readonly backup: ResolvedBackup;
  readonly machine: MachineFacts;
  readonly capture: Capture;
  readonly clone: OwnMachine;
  readonly snapshots: readonly SnapshotFacts[];
  readonly volumes: readonly ArchivedWithChanges[];
  readonly consistency: ConsistencyVerdict;
  readonly evidence: readonly EvidenceRef[];
  /** What agents wrote, as a volume, and what is known of it. */
  readonly output?: { readonly volume: VolumeFacts; readonly records: readonly AgentRecord[] };
}

export interface CommittedPoint {
  readonly pointId: string;
  /** ISO 8601. */
  readonly committedAt: string;
}

export function createCommitActivities({ vaults, toolVersion, findRecipe }: CommitDeps) {
  return {
    /** Reads the facts once more, from the sealed packs, and what agents wrote: what the vault holds is what is judged. */
    async confirmFacts({
      backup,
      machine,
      volumes,
      observation,
      stoppedByUs,
      console,
      report,
    }: ConfirmRequest): Promise<ConsistencyVerdict> {
      return beating(async (beat) => {
        const vault = await vaults.open(backup.vault, beat.signal);
        const open = async ({ volumeId }: VolumeFacts) => {
          const map = mapOf(volumeId, volumes);
          return (await openArchivedVolume({ vault, volumeId, map, signal: beat.signal })).source;
        };
        const recipes = matched(backup.recipes, report);
        const facts = backup.outputOnly
          ? NO_DISKS
          : await readDiskFacts({ findRecipe, volumes: machine.volumes, open, recipes, beat });
        const agents = judgeHarvest({ method: backup.method, recipes: backup.recipes, findRecipe }, report);
        const verdict = judgeConsistency({ observation, stoppedByUs, ...facts, console, bootReport: report, agents });
        const output = volumes.find(({ volumeId }) => volumeId === OUTPUT_VOLUME_ID);
        if (!output) return verdict;
        const where = { vault, volumeId: OUTPUT_VOLUME_ID, map: output.map };
        const { source } = await openArchivedVolume({ ...where, signal: beat.signal });
        const archived = await confirmOutputs({ source, records: report.harvest?.records ?? [], beat });
        return { ...verdict, facts: [...verdict.facts, ...archived] };
      });
    },

    /** By one conditional put. Before it nothing is a recovery point, after it everything is. */
    async commitPoint(request: CommitRequest): Promise<CommittedPoint> {
      return beating(async ({ signal, progress }) => {
        const vault = await vaults.open(request.backup.vault, signal);
        const draft = draftOf(request, toolVersion);
        const onProgress = ({ done, objects }: LockProgress) => progress({ locked: done, of: objects });
        const { pointId, committedAt } = await commitPoint({ vault, draft, signal, onProgress });
        return { pointId, committedAt };
      });
    },
  };
}

function mapOf(volumeId: string, volumes: readonly VolumeArchive[]): VolumeArchive['map'] {
  const found = volumes.find((volume) => volume.volumeId === volumeId);
  if (found) return found.map;
  throw new RangeError(`volume ${volumeId} was not archived`);
}

/** The run's knowledge in the manifest's words. */
export function draftOf(request: CommitRequest, toolVersion: string): ManifestDraft {
  const { run, backup, machine, capture, clone, snapshots, consistency, evidence } = request;
  const recorded = recordMachine(machine, 'ec2');
  return {
    pointId: run.runId,
    toolVersion,
    method: backup.method,
    workflow: { workflowId: run.workflowId, temporalRunId: run.temporalRunId },
    plan: backup.plan ?? null,
    machine: {
      ...recorded,
      facts: { ...recorded.facts, ...runFactsOf(request), ...recordAgents(request.output?.records ?? []) },
    },
    capture: {
      capturedAt: new Date(capture.startTime).toISOString(),
      requestedAt: null,
      memory: null,
      snapshots: capture.snapshots.map(({ sourceVolumeId, snapshotId }) => ({ volumeId: sourceVolumeId, snapshotId })),
      cloneId: clone.machineId,
      cloneSnapshots: snapshots.map(({ sourceVolumeId, snapshotId }) => ({ volumeId: sourceVolumeId, snapshotId })),
    },
    volumes: request.volumes.map((volume) => manifestVolume(volume, request)),
    consistency: {
      atLeast: backup.atLeast,
      // The least that a manifest can say; without a volume of role `machine` it says it of nothing.
      disks: consistency.disks ?? 'crash-consistent',
      agents: { ...consistency.agents },
      proofs: consistency.facts.map(({ name, verdict, found }) => ({ name, verdict: PROOF_OF[verdict], text: found })),
    },
    evidence: evidence.map((ref) => ({ runId: run.runId, ...ref })),
    acceptedWarnings: backup.accept.map((code) => ({ code, text: 'accepted in the request' })),
    parents: request.volumes.flatMap(parentOf),
    retention: { mode: 'none', retainUntil: null, keepUntil: null },
  };
}

/** What later runs ask of this point: may they build on it, and when was every block read last. */
function runFactsOf({ backup, volumes }: CommitRequest): Record<string, boolean | number | string> {
  const counts = volumes.map(({ base, byHints }) => (byHints ? (base?.pointsByHints ?? 0) + 1 : 0));
  return recordRunFacts({
    verify: backup.verify === true ? 'launch' : backup.verify || null,
    pointsByHints: Math.max(0, ...counts),
  });
}

function parentOf({ volumeId, base }: VolumeArchive): ManifestDraft['parents'] {
  return base ? [{ volumeId, pointId: base.pointId, mapId: base.map.mapId }] : [];
}

const PROOF_OF = { clean: 'proven', dirty: 'refuted', unknown: 'unknown', 'not-observed': 'not-observed' } as const;

function manifestVolume(
  { volumeId, map, changes }: CommitRequest['volumes'][number],
  { machine, output }: CommitRequest,
): ManifestVolume {
  const isOutput = volumeId === output?.volume.volumeId;
  const volume = isOutput ? output.volume : machine.volumes.find((one) => one.volumeId === volumeId);
  if (!volume) throw new RangeError(`volume ${volumeId} is not one of ${machine.machineId}`);
  return {
    volumeId,
    role: isOutput ? 'agent-output' : 'machine',
    deviceName: volume.deviceName,
    root: volume.root,
    volumeBytes: volume.bytes,
    type: volume.type,
    iops: volume.iops ?? null,
    throughput: volume.throughput ?? null,
    encrypted: volume.encrypted,
    kmsKeyId: volume.kmsKeyId ?? null,
    tags: {},
    map,
    changes,
  };
}
