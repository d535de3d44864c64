import type { ConfiguredRecipe, IsolationProfile, Limits } from './resolved-backup.ts';
import type { RestoreTarget } from './restore-request.ts';

/** A restore with every name resolved by the worker's configuration, recorded once in history. */
export interface ResolvedRestore {
  readonly pointId: string;
  readonly vault: string;
  readonly to: RestoreTarget;
  readonly volumeIds?: readonly string[];
  readonly deploymentId: string;
  readonly place: RestorePlace;
  readonly limits: Limits;
  readonly searchAttributes: boolean;
}

/** A table to take out, resolved the same way. */
export interface ResolvedTable {
  readonly pointId: string;
  readonly vault: string;
  readonly deploymentId: string;
  readonly isolation: IsolationProfile;
  readonly recipe: ConfiguredRecipe;
  /** As the recipe's script gets it, a file per field. */
  readonly wanted: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly searchAttributes: boolean;
}

/** Files to write, resolved the same way; where the folder is, each mover's own configuration says. */
export interface ResolvedFiles {
  readonly pointId: string;
  readonly path: string;
  readonly into: string;
  readonly vault: string;
  readonly volumeIds?: readonly string[];
  readonly limits: Limits;
  readonly searchAttributes: boolean;
}

/** `isolated`: proven to reach nothing. `named`: a network that a person's profile was made for; nothing is proven of it. */
export type RestorePlace =
  | { readonly kind: 'isolated'; readonly isolation: IsolationProfile }
  | { readonly kind: 'named'; readonly profile: RestoreProfile };

/** `restores.<name>` of the configuration. */
export interface RestoreProfile {
  readonly name: string;
  /** Where volumes are made; default: the zone that the source was in. A machine is in its subnet's zone. */
  readonly zone?: string;
  /** Encrypts what is restored; default: the source volume's key, else the account's default key. */
  readonly kmsKeyId?: string;
  /** Absent: the profile is for volumes only. */
  readonly network?: RestoreNetwork;
}

export interface RestoreNetwork {
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  /** Name of an IAM instance profile. */
  readonly instanceProfile?: string;
  readonly keyName?: string;
  /** `source`: the source's own address, which must be free and in the subnet. */
  readonly privateAddress: 'any' | 'source';
  /** Tried in order when the source's own type has no capacity. */
  readonly fallbackInstanceTypes: readonly string[];
}
