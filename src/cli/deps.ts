import type { PlanSchedule } from '../client/plan-schedules.ts';
import type { BackupRequest, VerificationRequest } from '../contract/backup-request.ts';
import type { CheckRequest } from '../contract/check-request.ts';
import type { CollectionRequest } from '../contract/collection-request.ts';
import type { DrillRequest, DrillResult } from '../contract/drill.ts';
import type { BackupProgress } from '../contract/progress.ts';
import type { FilesRequest, RestoreRequest, TableRequest } from '../contract/restore-request.ts';
import type {
  BackupResult,
  CheckResult,
  CollectionResult,
  FilesResult,
  RestoreResult,
  TableResult,
  VerificationResult,
} from '../contract/results.ts';
import type { RetentionRules } from '../contract/retention.ts';
import type { Forecast, JudgedPoint, RetainedPoint } from '../vault/index.ts';
import type { PlanCoverage } from '../workers/plan-coverage.ts';
import type { PointLine } from './point-line.ts';

/** Everything that commands may touch; main.ts makes the real ones. Ports open only when a command needs them. */
export interface CliDeps {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly now: () => Date;
  /** Rejects with the signal's reason when aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborted by Ctrl-C: commands stop watching, what runs goes on. */
  readonly signal: AbortSignal;
  readonly newRequestId: () => string;
  openBackups(): Promise<Backups>;
  openPoints(vault: string | undefined): Promise<Points>;
  /** `write`: with the root that signs tombstones. */
  openRetention(vault: string | undefined, access: 'read' | 'write'): Promise<RetentionDoor>;
  /** What the configuration's plans select now. */
  readCoverage(): Promise<readonly PlanCoverage[]>;
  openForecasts(vault: string | undefined): Promise<Forecasts>;
  openExtracts(vault: string | undefined): Promise<Extracts>;
  /** A sentence instead of the dump says why there is none. */
  openDump(wanted: WantedDump): Promise<OpenDump | string>;
  openSetUp(): Promise<SetUp>;
  /** Resolves when the worker has ended in order. */
  runWorker(role: WorkerRole): Promise<void>;
}

export interface Output {
  /** Bytes where a command hands out what it found as it is. */
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export type WorkerRole = 'control' | 'mover';

/** Temporal's side: runs that are started and watched. Errors are what readFailure (failure.ts) understands. */
export interface Backups {
  /** The same requestId twice gives the same run. */
  startBackup(request: BackupRequest, requestId: string): Promise<WatchedRun<BackupResult>>;
  startVerification(request: VerificationRequest, requestId: string): Promise<WatchedRun<VerificationResult>>;
  startRestore(request: RestoreRequest, requestId: string): Promise<WatchedRun<RestoreResult>>;
  startCheck(request: CheckRequest, requestId: string): Promise<StartedRun<CheckResult>>;
  startDrill(request: DrillRequest, requestId: string): Promise<StartedRun<DrillResult>>;
  startCollection(request: CollectionRequest, requestId: string): Promise<StartedRun<CollectionResult>>;
  startTable(request: TableRequest, requestId: string): Promise<WatchedRun<TableResult>>;
  startFiles(request: FilesRequest, requestId: string): Promise<WatchedRun<FilesResult>>;
  /** Backups under way now. */
  running(): Promise<readonly RunningBackup[]>;
  /** Of these plans, those that have a schedule. */
  schedules(plans: readonly string[]): Promise<readonly PlanSchedule[]>;
  close(): Promise<void>;
}

/** Without progress: nobody waits for one of these by watching it. */
export interface StartedRun<R> {
  readonly workflowId: string;
  readonly link?: string;
  /** The signal ends the waiting, and not the run. */
  result(signal: AbortSignal): Promise<R>;
}

export interface WatchedRun<R> {
  readonly workflowId: string;
  /** Where a person can look at it; undefined when the UI's address is not known. */
  readonly link?: string;
  /** May fail while no worker is there; the result tells how it ends. */
  progress(signal: AbortSignal): Promise<BackupProgress>;
  /** The signal ends the waiting, and not the run. */
  result(signal: AbortSignal): Promise<R>;
}

export interface RunningBackup {
  readonly instanceId: string;
  readonly workflowId: string;
  readonly phase: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

export type { PlanCoverage, PlanSchedule };

/** The vault's side: what can be restored, from the vault itself. */
export interface Points {
  /** Newest first. */
  list(filter: { readonly instanceId?: string | undefined }): AsyncIterable<PointLine>;
  close(): Promise<void>;
}

/** What runs took out of applications, from the vault itself with the data root. */
export interface Extracts {
  read(extract: Pick<TableResult, 'runId' | 'extract'>): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface WantedDump {
  readonly pointId: string;
  readonly database: string;
  readonly vault: string | undefined;
}

/** What an agent dumped of one database, from the vault itself with the data root. */
export interface OpenDump {
  readonly bytes: number;
  chunks(): AsyncIterable<Uint8Array>;
  /** What reading has cost so far. */
  cost(): { readonly requests: number; readonly bytesFetched: number };
  close(): Promise<void>;
}

/** How long restores will take, judged by what the vault keeps of earlier ones. */
export interface Forecasts {
  restoreOf(pointId: string, kind: RestoreKind): Promise<RestoreForecast>;
  close(): Promise<void>;
}

export type RestoreKind = 'volumes' | 'instance' | 'images';

export interface RestoreForecast {
  readonly pointId: string;
  readonly kind: RestoreKind;
  /** Plain bytes that will be read from the vault. */
  readonly bytes: number;
  /** Null: nothing comparable was ever measured. */
  readonly forecast: Forecast | null;
}

/** A vault's points as its retention rules see them. */
export interface RetentionDoor {
  /** Of the configuration, for points whose plan has none of its own. */
  readonly rules: RetentionRules | undefined;
  judge(): Promise<readonly JudgedPoint[]>;
  /** As far as retention looks at them, with the machine they are of. */
  points(): Promise<readonly (RetainedPoint & { readonly machineId: string })[]>;
  /** Writes the tombstones; resolves with all judgements. */
  expire(onExpired: (point: JudgedPoint) => void): Promise<readonly JudgedPoint[]>;
  close(): Promise<void>;
}

/** Everything that must exist before the first run; all repeatable. */
export interface SetUp {
  ensureDeploymentId(): Promise<SetUpStep>;
  /** One step per configured vault. */
  ensureVaults(): Promise<readonly SetUpStep[]>;
  ensureSearchAttributes(): Promise<SetUpStep>;
  syncSchedules(options: { readonly prune: boolean }): Promise<readonly SetUpStep[]>;
  close(): Promise<void>;
}

export interface SetUpStep {
  /** Such as `vault main`. */
  readonly what: string;
  readonly outcome: 'created' | 'unchanged' | 'updated' | 'paused' | 'removed';
  /** Where it is, or what it is now. */
  readonly found: string;
}
