import type { Clock, RandomBytes } from './clock.ts';
import type { InvalidKeys } from './epochs.ts';
import type { Features } from './fields.ts';
import type { KeyRing } from './key-ring.ts';
import type { LockPolicy } from './lock-policy.ts';
import type { ObjectStore } from './object-store.ts';
import type { Threads } from './threads.ts';

/**
 * An open vault: its store, and the keys of the roles it was opened for. One per process and vault is enough, and
 * meant: buffers and threads are shared by everything that uses it, so memory stays bounded whatever runs at once.
 */
export interface Vault {
  readonly store: ObjectStore;
  readonly vaultId: string;
  /** New objects are written under this epoch. It rises when the vault was given new keys and `refreshKeys` saw them. */
  readonly epoch: number;
  readonly keys: KeyRing;
  /** What a program must understand for each operation on this vault (docs/vault-format.md 5.4). */
  readonly features: Features;
  /** Set while something else stands where the next epoch's keys belong; nothing new is begun then. */
  readonly invalidKeys: InvalidKeys | undefined;
  /** Looks for epochs that began since; one request when there is none. */
  refreshKeys(signal: AbortSignal): Promise<void>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Points and what they need are locked as it says; undefined: nothing is locked. */
  readonly lock?: LockPolicy;
  readonly threads: Threads;
  /** Whether sealed blocks are opened again before a pack accepts them. */
  readonly verifySealed: boolean;
  /** Ends the threads. Nothing may be under way. */
  close(): Promise<void>;
}
