import { VaultError } from '../errors.ts';
import { mustKnow } from './features.ts';
import type { Vault } from './vault.ts';

/**
 * To be asked before a run begins: the newest keys are known afterwards, and refused is what must not be written with
 * the keys or the program at hand.
 */
export async function mustBeWritable(vault: Vault, signal: AbortSignal): Promise<void> {
  mustKnow(vault.features.write, vault.store.url);
  await vault.refreshKeys(signal);
  const { invalidKeys: invalid } = vault;
  if (!invalid) return;
  // To go on under the older keys could be what somebody wants who holds those and spoiled the newer ones.
  const message = `${invalid.key} in ${vault.store.url} is not signed by the control key of the epoch before, so nothing new is written; find out who put it there, then remove it if nobody rotated the keys, or bring back its earlier version if somebody did (points can still be read). ${invalid.reason}`;
  throw new VaultError('KeysNotSigned', message, { context: { key: invalid.key } });
}
