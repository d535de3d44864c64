import { ConfigurationError, FormatError, VaultError } from '../../errors.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Vault } from '../vault.ts';
import { inspectDocument } from './inspect-document.ts';
import { inspectPack } from './inspect-pack.ts';
import { inspectSealed, sealedKindOf } from './inspect-sealed.ts';

/** What an object is, as far as the keys at hand tell. */
export interface Inspection {
  /** `pack`, `segment`, `map`, `change set`, `evidence`, `file index`, `index page`, or `document` and its type. */
  readonly kind: string;
  /** Proven by its authenticator, refuted, or not checked for want of a key. */
  readonly verdict: 'proven' | 'refuted' | 'not checked';
  /** Why it is not proven. */
  readonly reason?: string;
  /** What needs no key to be read; nothing of it is proven unless `verdict` says so. */
  readonly readable: Readonly<Record<string, unknown>>;
  /** What was sealed. */
  readonly sealed?: SealedContent;
}

export interface SealedContent {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Rows of the same shape: blocks, packs, segments. */
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, string | number>>[]>>;
  /** Bytes from a machine: hostile wherever they are shown. */
  readonly content?: { readonly contentType: string; readonly bytes: Uint8Array };
}

export interface InspectRequest {
  readonly store: ObjectStore;
  readonly key: string;
  /** Without it only what is public can be told. */
  readonly vault: Vault | undefined;
  readonly signal: AbortSignal;
}

/** Tells what any object of a vault is. Damage is part of the answer; only an object that is not there is an error. */
export async function inspectObject(request: InspectRequest): Promise<Inspection & { readonly bytes: number }> {
  const { store, key, signal } = request;
  mustBePlainKey(key);
  const { bytes } = await store.head(key, signal);
  return { bytes, ...(await inspectByKey(request)) };
}

function inspectByKey(request: InspectRequest): Promise<Inspection> {
  const { key } = request;
  const pack = /^runs\/([^/]+)\/packs\/[0-9a-f]{64}\.pack$/.exec(key);
  if (pack?.[1]) return inspectPack(request, pack[1]);
  const sealed = sealedKindOf(key);
  return sealed ? inspectSealed(request, sealed) : inspectDocument(request);
}

/** What was typed by a person must not become a path. */
function mustBePlainKey(key: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(key)) return;
  const message = `'${key}' is no key of a vault; it stands below the vault's URL, such as vault.json or points/<id>.json`;
  throw new ConfigurationError('InvalidInput', message);
}

/** The verdict of opening something: a missing root is no damage. */
export async function judge<T>(
  open: () => T | Promise<T>,
): Promise<Pick<Inspection, 'verdict' | 'reason'> & { readonly found?: T }> {
  try {
    return { verdict: 'proven', found: await open() };
  } catch (error) {
    if (error instanceof FormatError) return { verdict: 'refuted', reason: error.message };
    if (!(error instanceof VaultError)) throw error;
    if (error.code === 'ObjectDamaged') return { verdict: 'refuted', reason: error.message };
    if (error.code === 'KeyUnusable') return { verdict: 'not checked', reason: error.message };
    throw error;
  }
}

export const NO_KEY = { verdict: 'not checked', reason: 'no key was given' } as const;
