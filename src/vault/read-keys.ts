import { FormatError } from '../errors.ts';
import { readSmall } from './documents.ts';
import { decodeDocument, readUnproven } from './json-document.ts';
import { controlPublicKey } from './key-ring.ts';
import { KeysDocument } from './keys-document.ts';
import { furtherKeysKey, keysKey } from './object-keys.ts';
import type { ObjectStore } from './object-store.ts';
import { ifPresent } from './presence.ts';

export const KEYS = { type: 'keys', schema: KeysDocument } as const;

/** Told of each object that proves nothing, being damaged or made by somebody without the key. */
export type OnInvalid = (key: string, reason: string) => void;

/** Bounds what somebody who may write can make a reader look at; a vault has a handful. */
export const MAX_FURTHER_KEYS = 100;

interface EpochAsked {
  readonly vaultId: string;
  readonly epoch: number;
  /** The public control key of the epoch before; of the first epoch, its own. */
  readonly signer: string;
}

/** `keys/<epoch>.json`; undefined when there is none, FormatError when something else stands there. */
export async function readEpochDocument(
  store: ObjectStore,
  { vaultId, epoch, signer }: EpochAsked,
  signal: AbortSignal,
): Promise<KeysDocument | undefined> {
  const key = keysKey(epoch);
  const bytes = await ifPresent(readSmall(store, key, signal));
  if (!bytes) return undefined;
  mustNotBeOfAnother(bytes, { vaultId, key });
  const signedBy = Math.max(epoch - 1, 1);
  const publicKey = (named: number) => (named === signedBy ? controlPublicKey(signer) : undefined);
  const keys = decodeDocument(KEYS, bytes, { place: { vaultId, key }, by: { kind: 'signature', publicKey } });
  return mustBeOf(keys, { vaultId, epoch, key });
}

interface FurtherAsked {
  readonly vaultId: string;
  readonly epoch: number;
  /** The public control keys of all epochs, by epoch. */
  readonly signers: ReadonlyMap<number, string>;
  readonly signal: AbortSignal;
  readonly onInvalid?: OnInvalid | undefined;
}

export interface FurtherKeys {
  readonly key: string;
  readonly keys: KeysDocument;
}

/** `keys/<epoch>-<n>.json`, n from 2 up to the first that is missing. Signed by that epoch's control key or a later one's. */
export async function* readFurtherKeys(
  store: ObjectStore,
  { vaultId, epoch, signers, signal, onInvalid }: FurtherAsked,
): AsyncIterable<FurtherKeys> {
  const publicKey = (named: number) => {
    const signer = named >= epoch ? signers.get(named) : undefined;
    return signer === undefined ? undefined : controlPublicKey(signer);
  };
  for (let n = 2; n <= MAX_FURTHER_KEYS; n++) {
    const key = furtherKeysKey(epoch, n);
    try {
      const bytes = await ifPresent(readSmall(store, key, signal));
      if (!bytes) return;
      const keys = decodeDocument(KEYS, bytes, { place: { vaultId, key }, by: { kind: 'signature', publicKey } });
      mustBeOf(keys, { vaultId, epoch, key });
      if (keys.controlPublicKey !== signers.get(epoch)) throw new FormatError(`${key} is of another control key`);
      yield { key, keys };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      onInvalid?.(key, error.message);
    }
  }
}

/** Two vaults mixed by a copy that went wrong: their signatures would only say that something was changed. */
function mustNotBeOfAnother(
  bytes: Uint8Array,
  { vaultId, key }: { readonly vaultId: string; readonly key: string },
): void {
  const claimed = readUnproven(KeysDocument, key, bytes);
  if (claimed.vaultId === vaultId) return;
  const message = `${key} is of vault ${claimed.vaultId}, vault.json of vault ${vaultId}: objects of two vaults lie together; bring back the ${key} of this one from a copy`;
  throw new FormatError(message, { context: { object: key } });
}

function mustBeOf(
  keys: KeysDocument,
  { vaultId, epoch, key }: { readonly vaultId: string; readonly epoch: number; readonly key: string },
): KeysDocument {
  if (keys.vaultId === vaultId && keys.epoch === epoch) return keys;
  throw new FormatError(`${key} is of vault ${keys.vaultId}, epoch ${keys.epoch}`, { context: { object: key } });
}
