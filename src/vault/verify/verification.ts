import type { Vault } from '../vault.ts';
import type { VerifyLevel } from './check-record.ts';
import type { OnFinding } from './findings.ts';
import type { KnownPacks } from './known-packs.ts';

/** One verification under way: what it was asked and what it has learned so far. */
export interface Verification {
  readonly vault: Vault;
  readonly level: VerifyLevel;
  /** Only these points; all that have not expired when absent. */
  readonly pointIds: readonly string[] | undefined;
  readonly points: Map<string, LearnedPoint>;
  /** All packs that these points name. */
  readonly known: KnownPacks;
  readonly tell: OnFinding;
  readonly onProgress: ((progress: VerifyProgress) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface LearnedPoint {
  readonly committedAt: string;
  readonly expired: boolean;
}

export interface VerifyProgress {
  readonly step: 'points' | 'packs' | 'volumes';
  readonly done: number;
  /** Unknown while points are listed. */
  readonly of?: number;
}
