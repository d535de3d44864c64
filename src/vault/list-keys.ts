import { FormatError } from '../errors.ts';
import type { RootPurpose } from './key-service.ts';
import type { KeysDocument } from './keys-document.ts';
import { PURPOSES } from './new-epoch.ts';
import { keysKey } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';
import { keysAreMissing, readVaultDocument } from './open-vault.ts';
import { type OnInvalid, readEpochDocument, readFurtherKeys } from './read-keys.ts';
import { readUnprovenVault } from './vault-document.ts';

export interface RecipientFacts {
  readonly kind: string;
  readonly id: string;
  readonly purposes: readonly RootPurpose[];
}

export interface EpochFacts {
  readonly epoch: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly recipients: readonly RecipientFacts[];
  /** `keys/…` that hold them. */
  readonly objects: readonly string[];
}

export interface KeysFacts {
  readonly vaultId: string;
  readonly epochs: readonly EpochFacts[];
}

/**
 * Who may open which epoch, oldest first. Needs no key, so it answers on the day when none is at hand; the signatures
 * are checked from the control key of vault.json on, which only an open vault can prove.
 */
export async function listKeys({
  store,
  signal,
  onInvalid,
}: {
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
  readonly onInvalid?: OnInvalid | undefined;
}): Promise<KeysFacts> {
  const { vaultId, controlPublicKey } = readUnprovenVault(store, await readVaultDocument(store, signal));
  const chain: KeysDocument[] = [];
  for (let signer = controlPublicKey; ; ) {
    const epoch = chain.length + 1;
    try {
      const keys = await readEpochDocument(store, { vaultId, epoch, signer }, signal);
      if (!keys) break;
      chain.push(keys);
      signer = keys.controlPublicKey;
    } catch (error) {
      if (!(error instanceof FormatError) || epoch === 1) throw error;
      onInvalid?.(keysKey(epoch), error.message);
      break;
    }
  }
  if (chain.length === 0) throw keysAreMissing(store.url);
  const signers = new Map(chain.map((keys) => [keys.epoch, keys.controlPublicKey]));
  const epochs: EpochFacts[] = [];
  for (const keys of chain) {
    const documents = [{ key: keysKey(keys.epoch), keys }];
    const asked = { vaultId, epoch: keys.epoch, signers, signal, onInvalid };
    for await (const further of readFurtherKeys(store, asked)) documents.push(further);
    const recipients = recipientsOf(documents.map((each) => each.keys));
    const { epoch, createdAt } = keys;
    epochs.push({ epoch, createdAt, recipients, objects: documents.map(({ key }) => key) });
  }
  return { vaultId, epochs };
}

function recipientsOf(documents: readonly KeysDocument[]): readonly RecipientFacts[] {
  const found = new Map<string, { kind: string; id: string; purposes: Set<RootPurpose> }>();
  for (const { roots } of documents) {
    for (const purpose of PURPOSES) {
      for (const { recipient } of roots[purpose]) {
        const name = `${recipient.kind} ${recipient.id}`;
        const facts = found.get(name) ?? { ...recipient, purposes: new Set<RootPurpose>() };
        facts.purposes.add(purpose);
        found.set(name, facts);
      }
    }
  }
  return [...found.values()].map(({ kind, id, purposes }) => ({ kind, id, purposes: [...purposes] }));
}
