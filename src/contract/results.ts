import type { Check } from './check.ts';
import type { AgentRecord, ConsistencyVerdict, Fact } from './evidence.ts';
import type { RestoredMachine, RestoredVolume } from './machine.ts';
import type { CheckLevel } from './names.ts';
import type { PhaseProgress } from './progress.ts';
import type { RestoreTarget } from './restore-request.ts';

export interface BackupResult {
  readonly pointId: string;
  readonly runId: string;
  readonly vault: string;
  readonly instanceId: string;
  /** The capture's StartTime, ISO 8601. */
  readonly pointInTime: string;
  /** Everything that was read before the capture; none is broken. */
  readonly preflight: readonly Check[];
  /** The network once more, and the running clone's connections. */
  readonly isolation: readonly Check[];
  readonly consistency: ConsistencyVerdict;
  /** The agents' output is one of them, by the id `agent-output`. */
  readonly volumes: readonly ArchivedVolume[];
  /** What agents did, where the method has them. */
  readonly agents?: readonly AgentRecord[];
  /** What `retain.snapshots` left in the account, to be removed by a person. */
  readonly retained?: RetainedClone;
  /** Absent when the request said `verify: false`, or named a level that boots nothing. */
  readonly verification?: VerificationResult;
  /** When the request named such a level. */
  readonly check?: CheckResult;
  /** The list of files for searches; absent where the vault's `fileIndex` is off. */
  readonly fileIndex?: IndexedFiles | Failed;
  readonly phases: readonly PhaseProgress[];
  readonly leftovers: readonly Leftover[];
}

export interface IndexedFiles {
  readonly files: number;
  /** Databases and tables. */
  readonly objects: number;
  readonly pages: number;
  /** Of an earlier point, with the same records. */
  readonly pagesReused: number;
  /** What could not be listed; searches say it. */
  readonly notes: number;
}

/** What a run can do without and did not get, such as a list of files: `understudy index` tries that again. */
export interface Failed {
  readonly code: string;
  readonly message: string;
}

export interface RetainedClone {
  readonly imageId: string;
  readonly snapshotIds: readonly string[];
}

export interface ArchivedVolume {
  readonly volumeId: string;
  readonly deviceName: string;
  readonly volumeBytes: number;
  /** Plain bytes read from the source. */
  readonly bytesRead: number;
  /** Sealed bytes that this run added to the vault. */
  readonly bytesStored: number;
  /** Sealed bytes that were in the vault already, of the point this one builds on. */
  readonly bytesReused: number;
  readonly blocks: number;
  readonly holes: number;
  /** Blocks said to be unchanged that were read and compared all the same. */
  readonly blocksAudited: number;
  /** The point it builds on. */
  readonly parentId?: string;
  /** Why every block was read; absent when only changed ones were. */
  readonly readAll?: string;
}

/** The validation result of one verification. */
export interface VerificationResult {
  readonly pointId: string;
  readonly runId: string;
  readonly verdict: 'green' | 'red';
  /** ISO 8601. */
  readonly at: string;
  readonly facts: readonly Fact[];
  /** Why it is red; empty when green. */
  readonly failures: readonly string[];
  /** The network and the running machine's connections; empty when none was launched. */
  readonly isolation: readonly Check[];
  readonly restoredBytes: number;
  readonly restoreMs: number;
  readonly leftovers: readonly Leftover[];
}

/** What a whole-machine restore left for people; they remove it when they are done. */
export interface RestoreResult {
  readonly pointId: string;
  readonly runId: string;
  readonly to: RestoreTarget;
  /** Profile of the configuration that says where it is. */
  readonly into: string;
  /** The machine, where one was asked for. */
  readonly machine?: RestoredMachine;
  /** The volumes, where no machine was asked for. */
  readonly volumes: readonly RestoredVolume[];
  /** How the machine was shown to reach nothing; empty in a named network and for volumes. */
  readonly isolation: readonly Check[];
  readonly restoredBytes: number;
  readonly restoreMs: number;
  readonly phases: readonly PhaseProgress[];
  readonly leftovers: readonly Leftover[];
}

/** What one look at a vault found, without booting anything. */
export interface CheckResult {
  readonly checkId: string;
  readonly vault: string;
  readonly level: CheckLevel;
  readonly verdict: 'green' | 'red';
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly points: number;
  /** At most 100 of the points that are damaged, each marked red in the vault. */
  readonly damagedPoints: readonly string[];
  readonly packs: number;
  readonly packsRead: number;
  readonly blocksRead: number;
  readonly bytesRead: number;
  /** Damaged objects, and things that lose nothing but that somebody should look at. */
  readonly damage: number;
  readonly notices: number;
  /** At most 20 findings, damage first, one sentence each. */
  readonly findings: readonly string[];
}

/** What was taken out of an application: sealed in the vault, in parts, until the next collection removes it. */
export interface Extract {
  /** Parts of the run's evidence: `extract-000000` and so on, to be put one behind the other. */
  readonly parts: number;
  readonly bytes: number;
  /** Of the whole: taken in the machine, and again of what was read back. */
  readonly sha256: string;
  /** Such as `sql`. */
  readonly format: string;
  /** As the application calls it. Guest text: escape it for its sink. */
  readonly name: string;
  /** Null where the application has none. */
  readonly rows: number | null;
}

export interface TableResult {
  readonly pointId: string;
  /** The parts stand under this run in the vault. */
  readonly runId: string;
  readonly vault: string;
  readonly recipe: string;
  readonly extract: Extract;
  readonly isolation: readonly Check[];
  readonly restoredBytes: number;
  readonly restoreMs: number;
  readonly phases: readonly PhaseProgress[];
  readonly leftovers: readonly Leftover[];
}

/** What a mover wrote into its folder. */
export interface FilesResult {
  readonly pointId: string;
  readonly runId: string;
  readonly vault: string;
  /** As it was asked for. */
  readonly path: string;
  /** On the mover's host. */
  readonly folder: string;
  readonly host: string;
  readonly files: number;
  /** Finished by an attempt before the last. */
  readonly kept: number;
  readonly folders: number;
  readonly links: number;
  readonly bytes: number;
  /** Read from the vault by the last attempt. */
  readonly requests: number;
  readonly bytesFetched: number;
  readonly problems: number;
  /** Of them those that lost something. */
  readonly damaged: number;
  /** At most 50 problems, damage first. Guest text: escape it for its sink. */
  readonly named: readonly { readonly path: string; readonly problem: string }[];
  readonly phases: readonly PhaseProgress[];
}

/** A resource whose run has ended and which could not be removed. */
export interface Leftover {
  readonly kind: 'instance' | 'volume' | 'image' | 'snapshot';
  readonly id: string;
  readonly reason: string;
}

/** What became of one instance of a plan. */
export interface PlanOutcome {
  readonly instanceId: string;
  readonly state: 'done' | 'failed' | 'already-running';
  readonly pointId?: string;
  /** Error code and message, when it failed. */
  readonly code?: string;
  readonly message?: string;
}

export interface PlanResult {
  readonly plan: string;
  readonly outcomes: readonly PlanOutcome[];
}

export interface SweepResult {
  /** Runs with resources in the account, by what was decided about them. */
  readonly runs: readonly SweptRun[];
  readonly leftovers: readonly Leftover[];
}

export interface SweptRun {
  readonly runId: string;
  readonly decision: 'removed' | 'kept';
  /** One sentence. */
  readonly reason: string;
}

/** Objects and their bytes. */
export interface ObjectTotal {
  readonly objects: number;
  readonly bytes: number;
}

export interface ExpiryResult {
  /** Points that the retention policy keeps, whatever the reason. */
  readonly kept: number;
  readonly expired: number;
  /** At most 100 of them. */
  readonly pointIds: readonly string[];
}

export interface CollectionPlanResult {
  readonly gcId: string;
  /** ISO 8601. */
  readonly executeAfter: string;
  readonly fenced: number;
  /** By reason (vault/collect/judge-object.ts). */
  readonly keeps: Readonly<Record<string, ObjectTotal>>;
  readonly deletes: Readonly<Record<string, ObjectTotal>>;
  /** Of `deletes`: what Object Lock keeps, though removed, and when the last of its locks runs out (ISO 8601). */
  readonly locked?: ObjectTotal & { readonly until: string };
  /** At most 20 objects that prove nothing or cannot be read, one sentence each. */
  readonly problems: readonly string[];
  /** Set when less is collected than could be, because something could not be read. */
  readonly protects: 'runs' | 'everything' | null;
}

export interface CollectionExecutionResult {
  readonly gcIds: readonly string[];
  readonly removed: ObjectTotal;
  /** Named by a plan and needed after all, or not to be judged. */
  readonly kept: ObjectTotal;
}

/** Older versions of what collections have removed, in a bucket that keeps them. */
export interface DeletedVersionsResult {
  readonly removed: number;
  readonly bytes: number;
  /** Removed too short a time ago: another time. */
  readonly young: number;
  /** A lock or a hold forbids it: another time. */
  readonly locked: number;
}

export interface CollectionResult {
  readonly vault: string;
  readonly state: 'done' | 'already-running';
  readonly expiry?: ExpiryResult;
  readonly execution?: CollectionExecutionResult;
  readonly plan?: CollectionPlanResult;
  /** Absent where the configuration does not ask for it. */
  readonly versions?: DeletedVersionsResult;
}
