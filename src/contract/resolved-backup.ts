import type { BackupRequest } from './backup-request.ts';
import type { AcceptedRisk, CheckLevel, ConsistencyClass, Method } from './names.ts';

/**
 * A request with every name resolved by the worker's configuration, recorded once in history; workflows never read
 * configuration.
 */
export interface ResolvedBackup {
  readonly instanceId: string;
  readonly accountId: string;
  readonly region: string;
  readonly deploymentId: string;
  readonly method: Method;
  /** What agents write is archived, and not the disks. */
  readonly outputOnly?: true;
  readonly atLeast: ConsistencyClass;
  /** True: restored and booted; a level: read only. */
  readonly verify: boolean | CheckLevel;
  readonly retain: { readonly snapshots: boolean };
  readonly accept: readonly AcceptedRisk[];
  readonly vault: string;
  /** Of so many points in a row, one reads every block. */
  readonly fullReadEvery: number;
  /** What the list of the point's files holds; absent: none is made. */
  readonly fileIndex?: 'attributes' | 'digests';
  readonly isolation: IsolationProfile;
  readonly recipes: readonly ConfiguredRecipe[];
  readonly limits: Limits;
  readonly plan?: string;
  /** Whether the namespace has the `Understudy…` search attributes; upserting an unknown one would block the workflow. */
  readonly searchAttributes: boolean;
}

/** A recovery point to verify, resolved the same way. */
export interface ResolvedVerification {
  readonly pointId: string;
  readonly vault: string;
  readonly deploymentId: string;
  readonly isolation: IsolationProfile;
  readonly recipes: readonly ConfiguredRecipe[];
  readonly limits: Limits;
  readonly searchAttributes: boolean;
}

/** What a plan asks for now: its instances were selected when the plan's workflow began. */
export interface ResolvedPlan {
  readonly plan: string;
  readonly instanceIds: readonly string[];
  /** The request of each instance, without its id. */
  readonly request: Omit<BackupRequest, 'instanceId' | 'plan'>;
  readonly atATime: number;
  readonly searchAttributes: boolean;
}

/** An isolated network that a person has set up, by ids. */
export interface IsolationProfile {
  readonly name: string;
  /**
   * `sealed`: no route, no endpoint, no name resolution; commands go in as user data. `endpoints-only`: interface
   * endpoints of Systems Manager besides, and commands go through them.
   */
  readonly kind: 'sealed' | 'endpoints-only';
  readonly vpcId: string;
  readonly subnetId: string;
  /** Verification machines get a subnet of their own, so that they never meet a clone. */
  readonly verifySubnetId: string;
  readonly securityGroupId: string;
  /** Proof lines that no listed client can read, accepted once by a person. */
  readonly acceptNotChecked: readonly string[];
  /** Tried in order when the source's own type has no capacity. */
  readonly fallbackInstanceTypes: readonly string[];
  /** `endpoints-only`: name of the instance profile by which a machine's agent is somebody; `sealed`: never. */
  readonly instanceProfile?: string;
  /** Encrypts restored volumes; default: the source volume's key, else the account's default key. */
  readonly kmsKeyId?: string;
}

export interface ConfiguredRecipe {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** All in milliseconds unless the name says otherwise; reasons stand beside the defaults in config/limits.ts. */
export interface Limits {
  /** From launch to the boot script's first console line. */
  readonly firstSignMs: number;
  /** For all applications of a machine to recover. */
  readonly recoverMs: number;
  /** From "recovered" to powered off. */
  readonly shutdownMs: number;
  /** A whole run; clean-up comes on top. */
  readonly runMs: number;
  /** Segments (4 GiB) per archive activity, 1 to 16; more of them for volumes that would have more than 1,024 shards. */
  readonly shardSegments: number;
  /** Scratch volume, GiB. */
  readonly scratchGiB: number;
  /** Each script of an agent, its check or its load. */
  readonly agentMs: number;
  /** Room for what agents write; absent: as much as the machine's own volumes. */
  readonly outputGiB?: number | undefined;
}
