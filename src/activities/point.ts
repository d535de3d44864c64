import { activityInfo } from '@temporalio/activity';
import type { AgentRecord, EvidenceRef } from '../contract/evidence.ts';
import type { MachineFacts, VolumeFacts } from '../contract/machine.ts';
import type { CheckLevel, ConsistencyClass } from '../contract/names.ts';
import type { Run } from '../contract/run.ts';
import { UnderstudyError } from '../errors.ts';
import { type Attestation, attest, fenceRun, type Manifest, readPoint, type Vault } from '../vault/index.ts';
import { readAgents } from './agent-records.ts';
import { beating } from './beating.ts';
import type { PointMark } from './check-vault.ts';
import { machineOf, volumeOf } from './machine-record.ts';
import type { PointRef } from './restore.ts';
import type { VaultDoor } from './vault-door.ts';

export interface PointDeps {
  readonly vaults: VaultDoor;
  readonly toolVersion: string;
}

/** What a verification needs to know of the point it verifies. */
export interface PointFacts {
  readonly pointId: string;
  readonly capturedAt: string;
  readonly machine: MachineFacts;
  readonly disks: ConsistencyClass;
  readonly agents: Readonly<Record<string, ConsistencyClass>>;
  /** Recipes whose application recovered in the clone: they must answer again. */
  readonly recovered: readonly string[];
  readonly storedBytes: number;
  /** What agents wrote, where they ran: a volume of its own, and what is recorded of it. */
  readonly output?: { readonly volume: VolumeFacts; readonly records: readonly AgentRecord[] };
}

export interface Judgement {
  readonly claimed: ConsistencyClass;
  readonly verdict: 'confirmed' | 'refuted' | 'not-checked';
}

export interface AttestRequest {
  readonly run: Run;
  readonly vault: string;
  readonly pointId: string;
  readonly verdict: 'green' | 'red';
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly disks: Judgement;
  /** By recipe. */
  readonly agents: Readonly<Record<string, Judgement>>;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly text: string }[];
  readonly evidence: readonly EvidenceRef[];
}

/** What a check of the vault says of some of its points. */
export interface MarkRequest {
  readonly checkId: string;
  readonly vault: string;
  readonly level: CheckLevel;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly marks: readonly PointMark[];
}

export function createPointActivities({ vaults, toolVersion }: PointDeps) {
  return {
    /** The committed manifest. PointMissing, RunAbandoned, or DamagedFormat naming the object. */
    async readPoint({ vault: name, pointId }: PointRef): Promise<PointFacts> {
      return beating(async ({ signal }) => {
        const manifest = await readPoint({ vault: await vaults.open(name, signal), pointId, signal });
        return {
          pointId,
          capturedAt: manifest.capture.capturedAt,
          machine: machineOf(manifest.machine, manifest.volumes),
          disks: manifest.consistency.disks,
          agents: manifest.consistency.agents,
          recovered: manifest.consistency.proofs.flatMap(recoveredRecipe),
          storedBytes: manifest.volumes.reduce((sum, { map }) => sum + map.storedBytes, 0),
          ...outputOf(manifest),
        };
      });
    },

    /** Its parts are no point's: fenced, the run belongs to the next collection. Whoever wants them fetches them before. */
    async endExtractRun({ run, vault }: { readonly run: Run; readonly vault: string }): Promise<void> {
      await beating(async ({ signal }) => {
        const reason = `took a table out of ${run.pointId ?? 'a point'}; it goes with the next collection`;
        await fenceRun({ vault: await vaults.open(vault, signal), runId: run.runId, reason, signal });
      });
    },

    /** The control key signs what a verification found; the first attestation of a run stands. */
    async attestPoint(request: AttestRequest): Promise<void> {
      await beating(async ({ signal }) => {
        const { run, pointId, verdict, disks } = request;
        await attest({
          vault: await vaults.open(request.vault, signal),
          attestation: {
            pointId,
            runId: run.runId,
            verdict: verdict === 'green' ? 'passed' : 'failed',
            startedAt: request.startedAt,
            finishedAt: request.finishedAt,
            toolVersion,
            workflow: { workflowId: run.workflowId, temporalRunId: run.temporalRunId },
            consistency: { disks, agents: { ...request.agents } },
            checks: request.checks.map((check) => ({ ...check })),
            evidence: request.evidence.map((ref) => ({ runId: run.runId, ...ref })),
          },
          signal,
        });
      });
    },

    /** Repeatable: the first attestation of a check stands. A point that is gone meanwhile needs none. */
    async markPoints({ checkId, level, marks, startedAt, finishedAt, ...request }: MarkRequest): Promise<void> {
      const { workflowExecution } = activityInfo();
      const workflow = {
        workflowId: workflowExecution?.workflowId ?? '',
        temporalRunId: workflowExecution?.runId ?? '',
      };
      await beating(async ({ signal, progress }) => {
        const vault = await vaults.open(request.vault, signal);
        for (const { pointId, verdict, text } of marks) {
          const claimed = await claimedClass(vault, pointId, signal);
          const ok = verdict === 'green';
          const disks = { claimed, verdict: ok ? 'not-checked' : 'refuted' } as const;
          const attestation: Attestation = {
            ...{
              pointId,
              runId: checkId,
              verdict: ok ? 'passed' : 'failed',
              level,
              startedAt,
              finishedAt,
              toolVersion,
            },
            ...{ workflow, consistency: { disks, agents: {} }, checks: [{ name: level, ok, text }], evidence: [] },
          };
          await attest({ vault, attestation, signal });
          progress({ marked: pointId });
        }
      });
    },
  };
}

/** Of a point whose manifest cannot be read nothing is known, so the least is claimed. */
async function claimedClass(vault: Vault, pointId: string, signal: AbortSignal): Promise<ConsistencyClass> {
  try {
    return (await readPoint({ vault, pointId, signal })).consistency.disks;
  } catch (error) {
    if (error instanceof UnderstudyError && error.status === 'permanent') return 'crash-consistent';
    throw error;
  }
}

function outputOf({ machine, volumes }: Manifest): Pick<PointFacts, 'output'> {
  const volume = volumes.find(({ role }) => role === 'agent-output');
  return volume ? { output: { volume: volumeOf(volume), records: readAgents(machine.facts) } } : {};
}

/** `judgeConsistency` writes `<recipe> recovered` for every recipe that matched the clone. */
function recoveredRecipe({ name, verdict }: { readonly name: string; readonly verdict: string }): string[] {
  const recipe = /^(\S+) recovered$/.exec(name)?.[1];
  return recipe !== undefined && verdict === 'proven' ? [recipe] : [];
}
