import { VaultError } from '../errors.ts';
import { mustKnow } from './features.ts';
import { KEYS_PREFIX, keysKey } from './object-keys.ts';
import type { Vault } from './vault.ts';

/**
 * To be asked before a run begins: the newest keys are known afterwards, and refused is what must not be written with
 * the keys or the program at hand.
 */
export async function mustBeWritable(vault: Vault, signal: AbortSignal): Promise<void> {
  mustKnow(vault.features.write, vault.store.url);
  const [listed] = await Promise.all([listEpochs(vault, signal), vault.refreshKeys(signal)]);
  const { invalidKeys: invalid } = vault;
  if (!invalid) return mustHaveAllKeys(vault, listed);
  // To go on under the older keys could be what somebody wants who holds those and spoiled the newer ones.
  const message = `${invalid.key} in ${vault.store.url} is not signed by the control key of the epoch before, so nothing new is written; find out who put it there, then remove it if nobody rotated the keys, or bring back its earlier version if somebody did (points can still be read). ${invalid.reason}`;
  throw new VaultError('KeysNotSigned', message, { context: { key: invalid.key } });
}

/** Keys of a later epoch than the newest one that was read: one between them is gone, and with it the way to the later. */
function mustHaveAllKeys(vault: Vault, listed: readonly ListedKeys[]): void {
  const later = listed.find(({ epoch }) => epoch > vault.epoch);
  if (later) throw keysAreGone(vault, later.key);
}

interface ListedKeys {
  readonly key: string;
  readonly epoch: number;
}

async function listEpochs({ store }: Vault, signal: AbortSignal): Promise<ListedKeys[]> {
  const listed: ListedKeys[] = [];
  for await (const { key } of store.list(KEYS_PREFIX, signal)) {
    listed.push({ key, epoch: Number(/^keys\/(\d+)(?:-\d+)?\.json$/.exec(key)?.[1] ?? 0) });
  }
  return listed;
}

/** What is written under older keys than the vault has had is what somebody who holds those can read. */
export function keysAreGone(vault: Vault, witness: string): VaultError {
  const key = keysKey(vault.epoch + 1);
  const message = `${key} is gone from ${vault.store.url}, though ${witness} is of a later epoch than ${vault.epoch}: nothing new is written under the older keys; bring ${key} back, by removing its delete marker or from a copy (older points can still be read). If nobody ever rotated the keys, somebody forged ${witness}: remove that`;
  return new VaultError('KeysNotSigned', message, { context: { key, witness } });
}
