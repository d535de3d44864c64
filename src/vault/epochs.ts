import { FormatError, VaultError } from '../errors.ts';
import { controlKeyPair, type EpochKeys } from './key-ring.ts';
import type { KeyService, RootName, RootPurpose } from './key-service.ts';
import type { KeysDocument, Wrap } from './keys-document.ts';
import { keysKey } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';
import { type OnInvalid, readEpochDocument, readFurtherKeys } from './read-keys.ts';
import { unwrapRoot } from './unwrap-root.ts';

export interface EpochsRequest {
  readonly store: ObjectStore;
  readonly service: KeyService;
  readonly roles: readonly RootPurpose[];
  readonly vaultId: string;
  /** Of vault.json: signs the first epoch. */
  readonly controlPublicKey: string;
  readonly onInvalid?: OnInvalid | undefined;
}

/** An object that claims to be the next epoch and is not signed by the control key of the one before. */
export interface InvalidKeys {
  readonly key: string;
  readonly reason: string;
}

/** The epochs of a vault as this process knows them; grows when the vault is given new keys. */
export interface Epochs {
  readonly known: ReadonlyMap<number, EpochKeys>;
  readonly invalid: InvalidKeys | undefined;
  /** Reads on from the newest known epoch: one request when there is none. */
  refresh(signal: AbortSignal): Promise<void>;
}

/** Every epoch from 1 on, each later one signed by the one before, so nobody can slip in keys of their own. */
export function createEpochs(request: EpochsRequest): Epochs {
  const known = new Map<number, EpochKeys>();
  let invalid: InvalidKeys | undefined;
  let last: Promise<void> = Promise.resolve();

  async function readOn(signal: AbortSignal): Promise<void> {
    const signer = known.get(known.size)?.controlPublicKey ?? request.controlPublicKey;
    const found = await chain(known.size + 1, signer, signal);
    // All of them, as a later epoch may have signed an earlier one's further recipients.
    const signers = new Map([...known.values(), ...found].map((keys) => [keys.epoch, keys.controlPublicKey] as const));
    for (const keys of found) known.set(keys.epoch, await openEpoch(keys, signers, signal));
  }

  /** What fails its proof ends the chain: reading goes on without it, writing does not (may-write.ts). */
  async function chain(from: number, firstSigner: string, signal: AbortSignal): Promise<readonly KeysDocument[]> {
    const { store, vaultId, onInvalid } = request;
    const found: KeysDocument[] = [];
    invalid = undefined;
    for (let epoch = from; ; epoch++) {
      const signer = found.at(-1)?.controlPublicKey ?? firstSigner;
      try {
        const keys = await readEpochDocument(store, { vaultId, epoch, signer }, signal);
        if (!keys) return found;
        found.push(keys);
      } catch (error) {
        if (!(error instanceof FormatError) || epoch === 1) throw error;
        invalid = { key: keysKey(epoch), reason: error.message };
        onInvalid?.(invalid.key, invalid.reason);
        return found;
      }
    }
  }

  async function openEpoch(
    keys: KeysDocument,
    signers: ReadonlyMap<number, string>,
    signal: AbortSignal,
  ): Promise<EpochKeys> {
    const { epoch, controlPublicKey } = keys;
    const roots = new Map<RootPurpose, Uint8Array>();
    const refused = new Map<RootPurpose, VaultError>();
    for (const purpose of request.roles) {
      try {
        roots.set(purpose, await openRoot(keys, { purpose, signers }, signal));
      } catch (error) {
        // An old recipient may still read what its epochs hold; without the first epoch nothing can be read.
        if (epoch === 1 || !(error instanceof VaultError) || error.code !== 'KeyUnusable') throw error;
        refused.set(purpose, error);
      }
    }
    return { epoch, controlPublicKey, roots, refused };
  }

  async function openRoot(
    keys: KeysDocument,
    { purpose, signers }: { readonly purpose: RootPurpose; readonly signers: ReadonlyMap<number, string> },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { store, service, vaultId, onInvalid } = request;
    const { epoch } = keys;
    const name: RootName = { vaultId, epoch, purpose };
    const further = async () => {
      const wraps: Wrap[] = [];
      const asked = { vaultId, epoch, signers, signal, onInvalid };
      for await (const each of readFurtherKeys(store, asked)) wraps.push(...each.keys.roots[purpose]);
      return wraps;
    };
    const root = await unwrapRoot(name, { first: keys.roots[purpose], further }, { service, signal });
    if (purpose === 'control') mustBeControlRoot(root, keys);
    return root;
  }

  return {
    known,
    get invalid() {
      return invalid;
    },
    refresh(signal) {
      // One after another: each reads on from where the one before ended, under its own caller's signal.
      const mine = last.then(() => readOn(signal));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** The other roots prove themselves by what they open; a wrong control root would sign what nobody believes. */
function mustBeControlRoot(root: Uint8Array, { epoch, vaultId, controlPublicKey }: KeysDocument): void {
  if (controlKeyPair(root).publicKey === controlPublicKey) return;
  const message = `the control root of epoch ${epoch} of vault ${vaultId} opens, but is not the one of ${keysKey(epoch)}: its wrap was made of another root`;
  throw new VaultError('KeyUnusable', message, { context: { vaultId, epoch } });
}
