import type {
  AgentFailure,
  AgentsVerdict,
  BootReport,
  ConsistencyVerdict,
  EvidenceRef,
  Fact,
} from '../contract/evidence.ts';
import type { Observation, OwnMachine, SnapshotFacts, VolumeFacts } from '../contract/machine.ts';
import type { Method } from '../contract/names.ts';
import type { ConfiguredRecipe } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import { DiskError, PlatformError } from '../errors.ts';
import type { ClonePlatform, CommandPlatform, DataPlatform, StoppedSnapshots } from '../platforms/platform.ts';
import { readConsole } from '../recipes/boot/console.ts';
import { lastWords } from '../recipes/boot/last-words.ts';
import { type BootResults, noReport, readBootReport } from '../recipes/boot/report.ts';
import { judgeConsistency } from '../recipes/consistency.ts';
import { judgeAgents } from '../recipes/judge-agents.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import { type Beat, beating } from './beating.ts';
import { readDiskFacts } from './disk-facts.ts';
import { resultFiles } from './result-files.ts';
import { type EvidenceFiles, type EvidenceRequest, sealEvidence } from './seal-evidence.ts';
import { snapshotBytes } from './snapshot-bytes.ts';
import type { VaultDoor } from './vault-door.ts';

export interface ExamineDeps {
  readonly platform: ClonePlatform & CommandPlatform & DataPlatform;
  readonly vaults: VaultDoor;
  readonly findRecipe: FindRecipe;
}

export interface ExamineRequest extends EvidenceRequest {
  readonly method: Method;
  /** Those that will be archived: none where agents' output alone is wanted. */
  readonly volumes: readonly VolumeFacts[];
  readonly recipes: readonly ConfiguredRecipe[];
  readonly observation: Observation;
  readonly stoppedByUs: boolean;
  readonly snapshots: StoppedSnapshots;
}

/** What a stopped clone proved. `report` and `console` are needed again when the sealed packs are judged. */
export interface CloneExamination {
  readonly verdict: ConsistencyVerdict;
  readonly report: BootReport;
  readonly console: Fact;
  readonly evidence: readonly EvidenceRef[];
  /** Why an agent's output may not be committed: empty where all went well, absent without agents. */
  readonly agentFailures?: readonly FailedAgent[];
}

export interface FailedAgent extends AgentFailure {
  /** The end of the log of what failed, neutralised; the log itself is sealed. */
  readonly lastWords: string;
}

/** What a verification machine answered. */
export interface ProbeExamination {
  readonly report: BootReport;
  readonly console: Fact;
  readonly evidence: readonly EvidenceRef[];
}

export function createExamineActivities({ platform, vaults, findRecipe }: ExamineDeps) {
  async function look({ run, machine }: EvidenceRequest, { signal }: Beat) {
    const { bytes: console } = await platform.readConsole(run, machine.machineId, signal);
    const files: EvidenceFiles = console ? [{ name: 'console.txt', contentType: 'text/plain', bytes: console }] : [];
    const fact = readConsole(console, run.runId).fact;
    if (machine.channel !== 'run-command') return { files, fact };
    return { files: [...files, { ...COMMAND_FILE, bytes: await commandText(run, machine, signal) }], fact };
  }

  /** Evidence only, of a script that may never have begun: that it cannot be read ends no run, and is said in its place. */
  async function commandText(run: Run, machine: OwnMachine, signal: AbortSignal): Promise<Uint8Array> {
    const encode = (text: string) => new TextEncoder().encode(text);
    try {
      const command = await platform.readCommandOutput(run, machine, signal);
      if (!command) return encode('no command was sent to this machine\n');
      const { commandId, word, output, error } = command;
      return encode(`command ${commandId}: ${word}\n\nstandard output\n${output}\n\nstandard error\n${error}\n`);
    } catch (error) {
      if (!(error instanceof PlatformError && error.code === 'AccessDenied')) throw error;
      return encode(`not read: ${error.message}\n`);
    }
  }

  async function readResults(run: Run, scratch: SnapshotFacts, { signal }: Beat): Promise<BootResults> {
    const source = await platform.openSource(run, scratch.snapshotId, signal);
    try {
      return await readBootReport(snapshotBytes(source), run.runId, signal);
    } catch (error) {
      // Damaged results are a finding about the machine, not a failure of the run: the verdict names what is missing.
      if (error instanceof DiskError) {
        return noReport(error.message);
      }
      throw error;
    }
  }

  return {
    /** Evidence of a machine before it is given up: its console. */
    async keepEvidence(request: EvidenceRequest): Promise<readonly EvidenceRef[]> {
      return beating(async (beat) => sealEvidence(vaults, request, (await look(request, beat)).files, beat));
    },

    /** Reads results, console and disks of the stopped clone, seals what is evidence, and sets the class. */
    async examineClone(request: ExamineRequest): Promise<CloneExamination> {
      return beating(async (beat) => {
        const { run, observation, stoppedByUs, snapshots, volumes, recipes } = request;
        const results = await readResults(run, snapshots.scratch, beat);
        const { files, fact } = await look(request, beat);
        const evidence = await sealEvidence(vaults, request, [...files, ...resultFiles(results)], beat);
        const report = reportOf(results);
        const open = async ({ volumeId }: VolumeFacts) =>
          snapshotBytes(await platform.openSource(run, snapshotOf(volumeId, snapshots), beat.signal));
        const facts =
          volumes.length === 0
            ? NO_DISKS
            : await readDiskFacts({ findRecipe, volumes, open, recipes: matched(recipes, report), beat });
        const agents = judgeHarvest({ method: request.method, recipes, findRecipe }, report);
        const verdict = judgeConsistency({
          observation,
          stoppedByUs,
          ...facts,
          console: fact,
          bootReport: report,
          agents,
        });
        const agentFailures = agents?.failures.map((failure) => ({
          ...failure,
          lastWords: lastWords(results.files.get(`answers/${failure.recipe}.${failure.step ?? 'agent'}.log`)),
        }));
        return { verdict, report, console: fact, evidence, ...(agentFailures && { agentFailures }) };
      });
    },

    /** The same for a verification machine: its disks were read from the vault already. */
    async examineProbe(request: EvidenceRequest & { readonly scratch: SnapshotFacts }): Promise<ProbeExamination> {
      return beating(async (beat) => {
        const results = await readResults(request.run, request.scratch, beat);
        const { files, fact } = await look(request, beat);
        const evidence = await sealEvidence(vaults, request, [...files, ...resultFiles(results)], beat);
        return { report: reportOf(results), console: fact, evidence };
      });
    },
  };
}

const COMMAND_FILE = { name: 'command.txt', contentType: 'text/plain' } as const;

/** What is known of disks that nobody wanted. */
export const NO_DISKS = { fileSystems: null, cleanFacts: {} } as const;

function snapshotOf(volumeId: string, { disks }: StoppedSnapshots): string {
  const found = disks.find(({ sourceVolumeId }) => sourceVolumeId === volumeId);
  if (found) return found.snapshotId;
  throw new PlatformError('PlatformAnswerIncomplete', `the stopped clone has no snapshot of volume ${volumeId}`);
}

/** Recipes whose application is in this machine, by its own answer. Without a report all are asked for what is on disk. */
export function matched(recipes: readonly ConfiguredRecipe[], report: BootReport) {
  if (!report.finished) return recipes;
  const names = new Set(report.answers.filter(({ step, ok }) => step === 'detect' && ok).map(({ recipe }) => recipe));
  return recipes.filter(({ name }) => names.has(name));
}

export interface HarvestRequest {
  readonly method: Method;
  readonly recipes: readonly ConfiguredRecipe[];
  readonly findRecipe: FindRecipe;
}

/** The verdict on the agents of a run, whose method decides whether there were any. */
export function judgeHarvest(
  { method, recipes, findRecipe }: HarvestRequest,
  report: BootReport,
): AgentsVerdict | undefined {
  if (method !== 'application-agent') return undefined;
  const withAgent = recipes.filter(({ name }) => findRecipe(name).scripts.agent !== undefined);
  return judgeAgents(
    withAgent.map(({ name }) => name),
    report,
  );
}

function reportOf({ files: _files, ...report }: BootResults): BootReport {
  return report;
}
