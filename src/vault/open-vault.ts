import type { Clock, RandomBytes } from './clock.ts';
import type { KeyService, RootPurpose } from './key-service.ts';
import type { ObjectStore } from './object-store.ts';
import type { Vault } from './vault.ts';

export interface OpenVaultRequest {
  readonly store: ObjectStore;
  readonly keys: KeyService;
  /** The roots to unwrap: mover and recover data + meta, control worker meta + control, search meta. */
  readonly roles: readonly RootPurpose[];
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
}

/** VaultNotInitialized when there is no vault; KeyUnusable when a root cannot be unwrapped. */
export async function openVault(_: OpenVaultRequest): Promise<Vault> {
  throw new Error('not written yet');
}
