import type { ConsistencyClass } from '../contract/names.ts';
import type { CheckDepth } from '../vault/index.ts';
import { formatAge, formatBytes, formatMoment } from './format.ts';
import { terminalText } from './terminal-text.ts';

/** What stands in a vault for one run, with its class and its latest validation result side by side. */
export type PointLine = CommittedPoint | UnusablePoint;

export interface CommittedPoint {
  readonly state: 'committed' | 'expired';
  readonly pointId: string;
  readonly vault: string;
  readonly instanceId: string;
  /** ISO 8601: the point's time. */
  readonly capturedAt: string;
  readonly committedAt: string;
  readonly consistency: {
    /** Null: the point holds what agents wrote, and no disks. */
    readonly disks: ConsistencyClass | null;
    readonly agents: Readonly<Record<string, ConsistencyClass>>;
  };
  readonly volumeBytes: number;
  readonly storedBytes: number;
  /** Null: nobody has verified it yet. */
  readonly validation: Validation | null;
}

export interface Validation {
  readonly verdict: 'green' | 'red';
  /** ISO 8601. */
  readonly at: string;
  readonly runId: string;
  /** How deep it looked; `launch`: restored and booted. */
  readonly level: CheckDepth;
  /** Whether the class that was claimed at commit held. */
  readonly disks: 'confirmed' | 'refuted' | 'not-checked';
}

/** An ended run without a point, or an object that is no point. */
export interface UnusablePoint {
  readonly state: 'abandoned' | 'invalid';
  readonly pointId: string;
  readonly vault: string;
  readonly reason: string;
}

export function describePoint(point: PointLine, now: Date): string {
  if ('reason' in point) {
    return `${point.pointId}  ${point.state}: ${terminalText(point.reason)}`;
  }
  const { capturedAt, consistency, volumeBytes, storedBytes, instanceId, state } = point;
  return [
    point.pointId,
    instanceId.padEnd(19),
    `${formatMoment(capturedAt)} (${formatAge(capturedAt, now)} ago)`,
    [
      consistency.disks ?? 'no disks',
      ...Object.entries(consistency.agents).map(([name, found]) => `${name} ${found}`),
    ].join(', '),
    describeValidation(point.validation, now),
    `${formatBytes(storedBytes)} of ${formatBytes(volumeBytes)}${state === 'expired' ? ', expired' : ''}`,
  ].join('  ');
}

function describeValidation(validation: Validation | null, now: Date): string {
  if (validation === null) return 'not verified';
  const { verdict, at, disks, level } = validation;
  if (level !== 'launch') return `${verdict} when read (${level}) ${formatAge(at, now)} ago, not booted`;
  const word = verdict === 'green' ? 'verified' : 'verification red';
  return `${word} ${formatAge(at, now)} ago, class ${disks}`;
}
