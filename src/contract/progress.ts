import type { Method } from './names.ts';

/** In the order in which they are shown. */
const PHASES = [
  'preflight',
  'capture',
  'clone',
  'agents',
  'shutdown',
  'archive',
  'commit',
  'verify',
  'clean-up',
  'index',
] as const;
export type Phase = (typeof PHASES)[number];

/** `agents` only where the method has them, `index` only where one is made. */
export function phasesOf({ method, fileIndex }: PhasedBackup): readonly Phase[] {
  const absent = [...(method === 'application-agent' ? [] : ['agents']), ...(fileIndex === undefined ? ['index'] : [])];
  return PHASES.filter((phase) => !absent.includes(phase));
}

interface PhasedBackup {
  readonly method: Method;
  readonly fileIndex?: unknown;
}

export const VERIFICATION_PHASES = ['read', 'restore', 'launch', 'probe', 'attest', 'clean-up'] as const;
export type VerificationPhase = (typeof VERIFICATION_PHASES)[number];

export const RESTORE_PHASES = ['read', 'check', 'restore', 'create', 'record', 'clean-up'] as const;
export type RestorePhase = (typeof RESTORE_PHASES)[number];

export const TABLE_PHASES = ['read', 'check', 'restore', 'launch', 'extract', 'record', 'clean-up'] as const;
export type TablePhase = (typeof TABLE_PHASES)[number];

export const FILES_PHASES = ['restore'] as const;
export type FilesPhase = (typeof FILES_PHASES)[number];

export interface PhaseProgress {
  readonly phase: Phase | VerificationPhase | RestorePhase | TablePhase | FilesPhase;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  /** ISO 8601, from the workflow's clock. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** One line for people, escaped by whoever shows it. */
  readonly summary?: string;
}

export interface VolumeProgress {
  readonly volumeId: string;
  readonly bytesTotal: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  /** Bytes per second over the last heartbeats; absent when nothing moves. */
  readonly rate?: number;
}

export interface BackupProgress {
  readonly runId?: string;
  /** The workflow that makes the recovery point, once it runs. */
  readonly workflowId?: string;
  readonly temporalRunId?: string;
  readonly phases: readonly PhaseProgress[];
  readonly volumes: readonly VolumeProgress[];
  /** The machine that is being watched, while one is. */
  readonly machine?: MachineHeartbeat;
  /** The verification's own phases and volumes, while it runs. */
  readonly verification?: BackupProgress;
}

/** Where a machine of ours is, as its boot script prints it on the console. */
export interface MachineHeartbeat {
  readonly machineId: string;
  readonly state: string;
  /** Number of the last progress line; 0 before the first sign of life. */
  readonly line: number;
  /** Guest text: at most 200 characters, control characters replaced; escape it for its sink. */
  readonly says: string;
  /** Where the script comes as a command: what the platform says of it, in its own word. */
  readonly command?: string | undefined;
}

/** Heartbeat details of a mover activity; a hint, never the truth. */
export interface MoverHeartbeat {
  readonly volumeId: string;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly blocksDone: number;
  /** Restores only: every block up to this index was acknowledged, so a retry need not put it again. */
  readonly writtenThrough?: number;
  /** Milliseconds since the epoch. */
  readonly writtenAt?: number;
}
