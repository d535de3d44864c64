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
  /** Null: the request wanted no disks. */
  readonly disks: ConsistencyClass | null;
  readonly agents: Readonly<Record<string, ConsistencyClass>>;
  readonly facts: readonly Fact[];
  /** Names what lowered the class; empty for `clean-shutdown`, and without disks. */
  readonly lowered: readonly string[];
}

/**
 * Scripts of a recipe (recipes/recipe.ts). `after-agent`: `recovered`, asked once more when all agents have ended.
 * `output`: the boot script's own comparison of what an agent wrote with what is recorded.
 */
export type RecipeStep =
  | 'detect'
  | 'recovered'
  | 'probe'
  | 'stop'
  | 'agent'
  | 'check'
  | 'after-agent'
  | 'output'
  | 'load'
  | 'extract';

/** What a recipe's script answered in a machine of ours. */
export interface RecipeAnswer {
  readonly recipe: string;
  readonly step: RecipeStep;
  readonly ok: boolean;
  /** The script gave no answer, or one that its exit status contradicts: neither yes nor no. `facts.error` says how. */
  readonly broken?: true;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** What one agent did in the clone: measured by the boot script, but for `facts`, which are the agent's own words. */
export interface AgentRecord {
  readonly recipe: string;
  /** 124: its limit was over. */
  readonly exitStatus: number;
  /** ISO 8601, by the clone's clock. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** Of all it printed; its tail is sealed. */
  readonly log: { readonly bytes: number; readonly sha256: string };
  /** Null when what it wrote could not be listed. */
  readonly output: AgentOutput | null;
  /** Of agent and check: counts and checksums that a loaded output is compared with. Guest text: escape it. */
  readonly facts: RecipeAnswer['facts'];
}

export interface AgentOutput {
  readonly files: number;
  readonly bytes: number;
  /** Of the list of files with sizes and SHA-256, which stands beside them. */
  readonly listSha256: string;
}

/** Why nothing may be claimed of an agent's output. */
export interface AgentFailure {
  readonly recipe: string;
  /** Null when it was not run. */
  readonly exitStatus: number | null;
  /** Guest text in part: escape it for its sink. */
  readonly reason: string;
  /** The script that failed, where it was another than the agent: its log tells more. */
  readonly step?: 'detect' | 'recovered' | 'check' | 'after-agent';
}

/** What the agents' records prove. */
export interface AgentsVerdict {
  readonly agents: Readonly<Record<string, ConsistencyClass>>;
  readonly failures: readonly AgentFailure[];
  readonly facts: readonly Fact[];
}

export interface Harvest {
  /** In the order in which the agents ran, which is that in which their output is loaded. */
  readonly records: readonly AgentRecord[];
  /** Why the output file system is not to be believed; absent when it was unmounted in order. Guest text: escape it. */
  readonly unusable?: string;
}

/** What the boot script left on the scratch volume. */
export interface BootReport {
  readonly finished: boolean;
  readonly answers: readonly RecipeAnswer[];
  /** Where agents were to run. */
  readonly harvest?: Harvest;
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
