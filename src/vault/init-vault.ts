import type { Clock, RandomBytes } from './clock.ts';
import type { KeyService } from './key-service.ts';
import type { ObjectStore } from './object-store.ts';

export interface InitVaultRequest {
  readonly store: ObjectStore;
  readonly keys: KeyService;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
}

/** Makes a vault of an empty prefix. Repeatable: an existing vault is left as it is; a half-made one is finished. */
export async function initVault(_: InitVaultRequest): Promise<{ readonly vaultId: string; readonly created: boolean }> {
  throw new Error('not written yet');
}
