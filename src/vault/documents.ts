import type { z } from 'zod';
import { FormatError, VaultError } from '../errors.ts';
import {
  type Authenticator,
  claimedEpoch,
  type DocumentType,
  decodeDocument,
  encodeDocument,
  MAX_DOCUMENT_BYTES,
  readDocumentHead,
} from './json-document.ts';
import type { Vault } from './vault.ts';

/** Who proves which document: control signs what ends or judges a point, meta proves the rest (docs 5.1). */
const SIGNED: ReadonlySet<DocumentType> = new Set([
  'keys',
  'fence',
  'tombstone',
  'attestation',
  'hold',
  'release',
  'gc-plan',
  'gc-page',
  'gc-report',
]);

export interface DocumentKind<T> {
  readonly type: DocumentType;
  readonly schema: z.ZodType<T>;
}

interface NewPlace {
  readonly vault: Vault;
  readonly key: string;
  /** The run's; the vault's newest where no run writes. */
  readonly epoch?: number;
}

/** The bytes of a new document. The body is checked: what is written can be read. */
export function sealDocument<T>(
  { type, schema }: DocumentKind<T>,
  body: T,
  { vault, key, epoch = vault.epoch }: NewPlace,
) {
  const { vaultId, keys } = vault;
  const by: Authenticator = SIGNED.has(type)
    ? { kind: 'signature', privateKey: keys.controlPrivate(epoch) }
    : { kind: 'mac', key: () => keys.meta(epoch, 'json-mac') };
  return encodeDocument({ type, epoch, body: schema.parse(body) }, { vaultId, key }, by);
}

/** Any bytes give a proven body or a FormatError naming the object. */
export function openDocument<T>(
  kind: DocumentKind<T>,
  bytes: Uint8Array,
  { vault, key }: { vault: Vault; key: string },
): T {
  const { keys, vaultId } = vault;
  const by: Authenticator = SIGNED.has(kind.type)
    ? { kind: 'signature', publicKey: (epoch) => (keys.knows(epoch) ? keys.controlPublic(epoch) : undefined) }
    : { kind: 'mac', key: (epoch) => (keys.knows(epoch) ? keys.meta(epoch, 'json-mac') : undefined) };
  return decodeDocument(kind, bytes, { place: { vaultId, key }, by });
}

/**
 * Reads a whole small object; a huge one put there by somebody is not loaded. What the store itself calls damaged is the
 * FormatError that its bytes would give: whether a store has checksums must not decide what one damaged document stops.
 */
export async function readSmall(store: Vault['store'], key: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await store.get(key, signal, { atMost: MAX_DOCUMENT_BYTES });
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'ObjectDamaged') throw error;
    throw new FormatError(error.message, { context: { ...error.context, object: key }, cause: error });
  }
}

export async function readDocument<T>(
  kind: DocumentKind<T>,
  { vault, key }: { vault: Vault; key: string },
  signal: AbortSignal,
): Promise<T> {
  return openDocument(kind, await readDocumentBytes(vault, key, signal), { vault, key });
}

/**
 * A document's bytes, to be opened next. If it is of an epoch that began after this process opened the vault, its keys
 * are read first: every binary object is reached through a document of its own epoch or a later one.
 */
export async function readDocumentBytes(vault: Vault, key: string, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await readSmall(vault.store, key, signal);
  const epoch = claimedEpoch(bytes);
  if (epoch !== undefined && !vault.keys.knows(epoch)) await vault.refreshKeys(signal);
  return bytes;
}

export interface SignedBody<T> {
  readonly body: T;
  /** Whose control key signed it. */
  readonly epoch: number;
}

/** As readDocument, with the epoch of the key that proves it. */
export async function readSigned<T>(
  kind: DocumentKind<T>,
  { vault, key }: { vault: Vault; key: string },
  signal: AbortSignal,
): Promise<SignedBody<T>> {
  const bytes = await readDocumentBytes(vault, key, signal);
  return { body: openDocument(kind, bytes, { vault, key }), epoch: readDocumentHead(bytes).epoch };
}
