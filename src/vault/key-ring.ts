import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { VaultError } from '../errors.ts';
import { fromHex } from './bytes.ts';
import { type DataKeyName, deriveKey, type MetaKeyName } from './derive.ts';
import type { RootPurpose } from './key-service.ts';

/** The keys a process may use: those of the roots it could unwrap, and everybody's public control keys. */
export interface KeyRing {
  readonly roles: readonly RootPurpose[];
  knows(epoch: number): boolean;
  /** The highest valid epoch: what is written now is written under it. */
  readonly newest: number;
  /** Throws KeyUnusable when this process does not hold the root. */
  data(epoch: number, name: DataKeyName): Uint8Array;
  meta(epoch: number, name: MetaKeyName): Uint8Array;
  controlPrivate(epoch: number): KeyObject;
  controlPublic(epoch: number): KeyObject;
  /** 32 raw bytes as hex. */
  controlPublicHex(epoch: number): string;
  /** The root itself, for nothing but wrapping it for somebody else. */
  root(epoch: number, purpose: RootPurpose): Uint8Array;
}

export interface EpochKeys {
  readonly epoch: number;
  readonly controlPublicKey: string;
  readonly roots: ReadonlyMap<RootPurpose, Uint8Array>;
  /** Why roots that this process asked for are not among `roots`. */
  readonly refused: ReadonlyMap<RootPurpose, VaultError>;
}

/** `epochs` may grow: what is added to it is known from then on. */
export function createKeyRing(
  vaultId: string,
  epochs: ReadonlyMap<number, EpochKeys>,
  roles: readonly RootPurpose[],
): KeyRing {
  const derived = new Map<string, Uint8Array>();
  function root(epoch: number, purpose: RootPurpose): Uint8Array {
    const key = epochs.get(epoch)?.roots.get(purpose);
    if (key) return key;
    const cause = epochs.get(epoch)?.refused.get(purpose);
    const message = cause?.message ?? explainMissing(vaultId, epoch, purpose, roles);
    throw new VaultError('KeyUnusable', message, { context: { vaultId, epoch, purpose }, cause });
  }
  function derive(epoch: number, purpose: RootPurpose, name: DataKeyName | MetaKeyName): Uint8Array {
    const label = `${epoch} ${name}`;
    const known = derived.get(label);
    if (known) return known;
    const key = deriveKey(root(epoch, purpose), vaultId, name);
    derived.set(label, key);
    return key;
  }
  function publicHex(epoch: number): string {
    const keys = epochs.get(epoch);
    if (keys) return keys.controlPublicKey;
    const message = `vault ${vaultId} has no keys/${epoch}.json`;
    throw new VaultError('KeyUnusable', message, { context: { vaultId, epoch } });
  }
  return {
    roles,
    knows: (epoch) => epochs.has(epoch),
    get newest() {
      return epochs.size;
    },
    data: (epoch, name) => derive(epoch, 'data', name),
    meta: (epoch, name) => derive(epoch, 'meta', name),
    controlPrivate: (epoch) => controlKeyPair(root(epoch, 'control')).privateKey,
    controlPublic: (epoch) => controlPublicKey(publicHex(epoch)),
    controlPublicHex: publicHex,
    root,
  };
}

function explainMissing(vaultId: string, epoch: number, purpose: RootPurpose, roles: readonly RootPurpose[]): string {
  const held = roles.join(' and ') || 'no';
  return `this needs the ${purpose} root of epoch ${epoch} of vault ${vaultId}, but the process holds ${held} roots only; run it in a role that may unwrap it`;
}

// RFC 8410: the fixed DER heads of an Ed25519 private (seed) and public key.
const PKCS8_HEAD = fromHex('302e020100300506032b657004220420');
const SPKI_HEAD = fromHex('302a300506032b6570032100');

export interface ControlKeyPair {
  readonly privateKey: KeyObject;
  /** 32 raw bytes as hex. */
  readonly publicKey: string;
}

/** The control root is the seed of an Ed25519 private key. */
export function controlKeyPair(seed: Uint8Array): ControlKeyPair {
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey: spki.subarray(SPKI_HEAD.length).toString('hex') };
}

export function controlPublicKey(publicKey: string): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, fromHex(publicKey)]), format: 'der', type: 'spki' });
}
