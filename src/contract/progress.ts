/** In the order in which they are shown. */
export const PHASES = ['preflight', 'capture', 'clone', 'shutdown', 'archive', 'commit', 'verify', 'clean-up'] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseProgress {
  readonly phase: Phase;
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
  readonly phases: readonly PhaseProgress[];
  readonly volumes: readonly VolumeProgress[];
}

/** Heartbeat details of a mover activity; a hint, never the truth. */
export interface MoverHeartbeat {
  readonly volumeId: string;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly blocksDone: number;
}
