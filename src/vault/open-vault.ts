import { FormatError, VaultError } from '../errors.ts';
import type { Clock, RandomBytes } from './clock.ts';
import { openDocument, readSmall } from './documents.ts';
import { mustBeThisFormat } from './format-version.ts';
import { decodeDocument, readUnproven } from './json-document.ts';
import { controlPublicKey, createKeyRing, type EpochKeys } from './key-ring.ts';
import type { KeyService, RootPurpose } from './key-service.ts';
import { KeysDocument } from './keys-document.ts';
import type { LockPolicy } from './lock-policy.ts';
import { keysKey, VAULT_KEY } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';
import { ifPresent } from './presence.ts';
import { createThreads } from './threads.ts';
import { unwrapRoot } from './unwrap-root.ts';
import type { Vault } from './vault.ts';
import { VaultDocument } from './vault-document.ts';

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
}

/** VaultNotInitialized when there is no vault; KeyUnusable when a root cannot be unwrapped. */
export async function openVault(request: OpenVaultRequest): Promise<Vault> {
  const { store, clock, randomBytes, lock, signal } = request;
  const bytes = await ifPresent(readSmall(store, VAULT_KEY, signal));
  if (!bytes) {
    const message = `there is no vault at ${store.url}: ${VAULT_KEY} is missing; make one with 'understudy init' or correct the URL`;
    throw new VaultError('VaultNotInitialized', message, { context: { url: store.url } });
  }
  mustBeThisFormat(store, bytes);
  const document = readUnproven(VaultDocument, VAULT_KEY, bytes);
  const epochs = await readEpochs(document, request);
  const threads = createThreads();
  const vault: Vault = {
    store,
    vaultId: document.vaultId,
    epoch: Math.max(...epochs.keys()),
    keys: createKeyRing(document.vaultId, epochs),
    clock,
    randomBytes,
    ...(lock && { lock }),
    threads,
    close: () => threads.close(),
  };
  // Only now can vault.json prove itself: a swapped one would bring its own control key.
  const { features } = openDocument({ type: 'vault', schema: VaultDocument }, bytes, { vault, key: VAULT_KEY });
  mustKnow(features.read, store.url);
  return vault;
}

/** Every epoch from 1 on; each later one signed by the one before, so nobody can slip in keys of their own. */
async function readEpochs(document: VaultDocument, request: OpenVaultRequest): Promise<Map<number, EpochKeys>> {
  const epochs = new Map<number, EpochKeys>();
  let signer = document.controlPublicKey;
  for (let epoch = 1; ; epoch++) {
    const bytes = await ifPresent(readSmall(request.store, keysKey(epoch), request.signal));
    if (!bytes) break;
    const keys = decodeKeys(bytes, { epoch, signer, vaultId: document.vaultId });
    const roots = new Map<RootPurpose, Uint8Array>();
    for (const purpose of request.roles) {
      roots.set(purpose, await unwrapRoot(keys, purpose, { service: request.keys, signal: request.signal }));
    }
    epochs.set(epoch, { epoch, controlPublicKey: keys.controlPublicKey, roots });
    signer = keys.controlPublicKey;
  }
  if (epochs.size > 0) return epochs;
  const message = `${keysKey(1)} is missing in ${request.store.url}: without it nothing in the vault can be read; restore it from a copy`;
  throw new VaultError('ObjectMissing', message, { context: { key: keysKey(1) } });
}

interface Expected {
  readonly epoch: number;
  readonly signer: string;
  readonly vaultId: string;
}

function decodeKeys(bytes: Uint8Array, { epoch, signer, vaultId }: Expected): KeysDocument {
  const key = keysKey(epoch);
  const by = { kind: 'signature', publicKey: () => controlPublicKey(signer) } as const;
  const keys = decodeDocument({ type: 'keys', schema: KeysDocument }, bytes, { place: { vaultId, key }, by });
  if (keys.vaultId === vaultId && keys.epoch === epoch) return keys;
  throw new FormatError(`${key} is of vault ${keys.vaultId}, epoch ${keys.epoch}`, { context: { object: key } });
}

/** Version 1 defines no features; a name there means a later program wrote what this one cannot read. */
export function mustKnow(features: readonly string[], object: string): void {
  if (features.length === 0) return;
  const message = `${object} needs the features ${features.join(', ')}, which this version does not know; use a later one`;
  throw new VaultError('VaultIncompatible', message, { context: { object } });
}
