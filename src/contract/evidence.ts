import type { ConsistencyClass } from './names.ts';

/** One thing that was read, and what it says. Full texts are sealed in the vault; here are verdicts and digests. */
export interface Fact {
  /** Such as `power-off`, `file-system vol-…/p1`, `console`, `postgresql clean`. */
  readonly name: string;
  readonly verdict: 'clean' | 'dirty' | 'unknown' | 'not-observed';
  /** At most 200 characters; may hold guest text: escape it for its sink. */
  readonly found: string;
}

/** The class of the disks with everything it rests on. */
export interface ConsistencyVerdict {
  readonly disks: ConsistencyClass;
  readonly agents: Readonly<Record<string, ConsistencyClass>>;
  readonly facts: readonly Fact[];
  /** Names what lowered the class; empty for `clean-shutdown`. */
  readonly lowered: readonly string[];
}

/** What a recipe's script answered in a machine of ours. */
export interface RecipeAnswer {
  readonly recipe: string;
  readonly step: 'detect' | 'recovered' | 'probe' | 'stop';
  readonly ok: boolean;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** What the boot script left on the scratch volume. */
export interface BootReport {
  readonly finished: boolean;
  readonly answers: readonly RecipeAnswer[];
  /** Why there is no report at all; `finished` is false then. */
  readonly absent?: string;
  /** Kernel's boot id of the machine that ran the script: the ledger is asked for it. */
  readonly bootId?: string;
}

/** An object sealed in the vault under the run. */
export interface EvidenceRef {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly contentType: string;
}
