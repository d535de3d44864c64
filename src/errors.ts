/**
 * Every error this project raises on purpose has a code from this registry. It imports nothing, so every layer may use
 * it. `docs/errors.md` explains each code with its remedy; a test compares the two.
 *
 * - permanent: trying again cannot help; somebody must change something.
 * - transient: trying again later can help.
 * - throttled: trying again helps, but only after a pause.
 */
export const ERROR_STATUS = {
  // configuration and requests
  InvalidInput: 'permanent',
  InvalidConfiguration: 'permanent',
  UnknownName: 'permanent',
  BackupAlreadyRunning: 'permanent',
  PreflightRefused: 'permanent',
  PlanIncomplete: 'permanent',
  RunLimitExceeded: 'permanent',
  StepTimedOut: 'permanent',
  Cancelled: 'permanent',
  Terminated: 'permanent',
  // platform (the machines' side)
  AccessDenied: 'permanent',
  InstanceNotFound: 'permanent',
  ResourceNotOurs: 'permanent',
  ResourceMissing: 'permanent',
  CaptureUnconfirmed: 'transient',
  CaptureFailed: 'permanent',
  InsufficientCapacity: 'transient',
  LaunchRefused: 'permanent',
  CloneNotAlive: 'permanent',
  MachineLost: 'permanent',
  CommandUnconfirmed: 'transient',
  IsolationBroken: 'permanent',
  NotReadyYet: 'transient',
  PlatformUnreachable: 'transient',
  PlatformThrottled: 'throttled',
  PlatformRefused: 'permanent',
  PlatformAnswerIncomplete: 'permanent',
  UnrelatedSnapshots: 'permanent',
  DamagedBlock: 'transient',
  StaleListing: 'transient',
  SnapshotFailed: 'permanent',
  // consistency and verification
  ConsistencyTooLow: 'permanent',
  AgentFailed: 'permanent',
  VerificationFailed: 'permanent',
  ExtractFailed: 'permanent',
  DrillFailed: 'permanent',
  // vault
  ObjectExists: 'permanent',
  ObjectMissing: 'permanent',
  ObjectDamaged: 'permanent',
  ObjectLocked: 'permanent',
  LockUnsupported: 'permanent',
  DamagedFormat: 'permanent',
  KeyUnusable: 'permanent',
  KeysNotSigned: 'permanent',
  VaultUnreachable: 'transient',
  VaultNotInitialized: 'permanent',
  VaultIncompatible: 'permanent',
  VaultRefused: 'permanent',
  ThreadDied: 'transient',
  RunAbandoned: 'permanent',
  AuditFailed: 'permanent',
  PointMissing: 'permanent',
  PointHasNoDisks: 'permanent',
  FileMissing: 'permanent',
  CollectionNotDue: 'permanent',
  SlowDown: 'throttled',
  // raw images
  SourceUnusable: 'permanent',
  TargetExists: 'permanent',
  TargetUnusable: 'permanent',
  RecoveryIncomplete: 'permanent',
  // disk readers
  UnreadableDisk: 'permanent',
  // machines on this host
  QemuMissing: 'permanent',
  MachineFailed: 'permanent',
} as const satisfies Record<string, 'permanent' | 'transient' | 'throttled'>;

export type ErrorCode = keyof typeof ERROR_STATUS;
export type ErrorStatus = (typeof ERROR_STATUS)[ErrorCode];

export interface ErrorDetails {
  /** Ids and sizes that help to find the cause. They end up in workflow histories: never a secret. */
  readonly context?: Readonly<Record<string, string | number>>;
  readonly cause?: unknown;
}

/** The message says what was tried and found, then what to do about it. */
export abstract class UnderstudyError extends Error {
  readonly code: ErrorCode;
  readonly context: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, message: string, { context = {}, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.context = context;
  }

  get status(): ErrorStatus {
    return ERROR_STATUS[this.code];
  }
}

/** What the system or Node calls an error ('ENOENT', 'ABORT_ERR'); undefined for our own errors and for most bugs. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof UnderstudyError || !(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Wrong input or configuration: names the field. */
export class ConfigurationError extends UnderstudyError {}
/** The machines' side answered something that stops the run. */
export class PlatformError extends UnderstudyError {}
/** The vault, its store or its keys. */
export class VaultError extends UnderstudyError {}
/** Bytes that are not what the format says. */
export class FormatError extends UnderstudyError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('DamagedFormat', message, details);
  }
}
/** A disk image that cannot be read. */
export class DiskError extends UnderstudyError {}
/** What a run proved, or failed to prove, about a recovery point. */
export class EvidenceError extends UnderstudyError {}
