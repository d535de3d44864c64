import { VaultError } from '../errors.ts';
import type { Clock, RandomBytes } from './clock.ts';
import { openDocument, readSmall } from './documents.ts';
import { createEpochs } from './epochs.ts';
import { mustKnow } from './features.ts';
import { createKeyRing } from './key-ring.ts';
import type { KeyService, RootPurpose } from './key-service.ts';
import type { LockPolicy } from './lock-policy.ts';
import { keysKey, VAULT_KEY } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';
import { ifPresent } from './presence.ts';
import type { OnInvalid } from './read-keys.ts';
import { createThreads, type Threads } from './threads.ts';
import type { Vault } from './vault.ts';
import { readUnprovenVault, VaultDocument } from './vault-document.ts';

export interface OpenVaultRequest {
  readonly store: ObjectStore;
  readonly keys: KeyService;
  /** The roots to unwrap: mover and recover data + meta, control worker meta + control, search meta. */
  readonly roles: readonly RootPurpose[];
  /** How what is written is locked; left out: not at all. */
  readonly lock?: LockPolicy;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly signal: AbortSignal;
  /** Told of each keys document that is damaged or forged; it is not used. */
  readonly onInvalid?: OnInvalid;
  /** Started by whoever can say beforehand that they will be needed; closed with the vault. */
  readonly threads?: Threads | undefined;
  /** False only to measure what opening every sealed block again costs: without it bad memory shows at the restore. */
  readonly verifySealed?: boolean;
}

/** VaultNotInitialized when there is no vault; KeyUnusable when a root cannot be unwrapped. */
export async function openVault(request: OpenVaultRequest): Promise<Vault> {
  const { store, clock, randomBytes, roles, lock, verifySealed = true, threads = createThreads(), signal } = request;
  const bytes = await readVaultDocument(store, signal);
  const { vaultId, controlPublicKey, features } = readUnprovenVault(store, bytes);
  mustKnow(features.read, store.url);
  const { onInvalid } = request;
  const epochs = createEpochs({ store, service: request.keys, roles, vaultId, controlPublicKey, onInvalid });
  await epochs.refresh(signal);
  if (epochs.known.size === 0) throw keysAreMissing(store.url);
  const keys = createKeyRing(vaultId, epochs.known, roles);
  const vault: Vault = {
    store,
    vaultId,
    get epoch() {
      return keys.newest;
    },
    keys,
    features,
    get invalidKeys() {
      return epochs.invalid;
    },
    refreshKeys: epochs.refresh,
    clock,
    randomBytes,
    ...(lock && { lock }),
    threads,
    verifySealed,
    close: () => threads.close(),
  };
  // Only now can vault.json prove itself: a swapped one would bring its own control key.
  openDocument({ type: 'vault', schema: VaultDocument }, bytes, { vault, key: VAULT_KEY });
  return vault;
}

export async function readVaultDocument(store: ObjectStore, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await ifPresent(readSmall(store, VAULT_KEY, signal));
  if (bytes) return bytes;
  const message = `there is no vault at ${store.url}: ${VAULT_KEY} is missing; make one with 'understudy init' or correct the URL`;
  throw new VaultError('VaultNotInitialized', message, { context: { url: store.url } });
}

export function keysAreMissing(url: string): VaultError {
  const message = `${keysKey(1)} is missing in ${url}: without it nothing in the vault can be read; restore it from a copy`;
  return new VaultError('ObjectMissing', message, { context: { key: keysKey(1) } });
}
