import { FormatError, VaultError } from '../errors.ts';
import { sha256Hex } from './bytes.ts';
import { digestInKey } from './object-keys.ts';
import type { ByteRange, SizeLimit } from './object-store.ts';

/** Compares a whole object with the digests that its name and its store promise; ObjectDamaged when one differs. */
export function mustBeWhole(key: string, bytes: Uint8Array, { url, stored }: { url: string; stored?: string }): void {
  const promised = [digestInKey(key), stored].filter((digest) => digest !== undefined);
  if (promised.length === 0) return;
  const found = sha256Hex(bytes);
  const wrong = promised.find((digest) => digest !== found);
  if (wrong === undefined) return;
  throw new VaultError(
    'ObjectDamaged',
    `${key} in ${url} holds ${bytes.length} bytes with SHA-256 ${found}, must be ${wrong}; the object was changed or damaged, restore it from a copy of the vault`,
    { context: { key, bytes: bytes.length } },
  );
}

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Keys are made by object-keys.ts from checked ids; anything else is a bug and must not become a path. */
export function mustBeKey(key: string): void {
  if (!isKey(key)) throw new TypeError(`'${key}' is no object key`);
}

/** What a listing shows may be a name that somebody else gave: such an object is none of a vault's. */
export function isKey(key: string): boolean {
  return key.length <= 900 && key.split('/').every((part) => PART.test(part));
}

export function missing(key: string, url: string, cause?: unknown): VaultError {
  return new VaultError('ObjectMissing', `${key} does not exist in ${url}`, { context: { key }, cause });
}

export function alreadyExists(key: string, url: string): VaultError {
  return new VaultError('ObjectExists', `${key} exists in ${url} with other content`, { context: { key } });
}

export function mustHaveLength(key: string, bytes: Uint8Array, wanted: number): void {
  if (bytes.length === wanted) return;
  const found = `${key} gave ${bytes.length} of ${wanted} bytes asked for; the object is shorter than its index says`;
  throw new VaultError('ObjectDamaged', found, { context: { key, bytes: bytes.length } });
}

/** Undefined for a whole object. */
export function rangeOf(part: ByteRange | SizeLimit | undefined): ByteRange | undefined {
  return part && 'offset' in part ? part : undefined;
}

/** To be asked before any byte of a whole object is loaded. */
export function mustFitInto(part: ByteRange | SizeLimit | undefined, key: string, bytes: number): void {
  if (!part || !('atMost' in part) || bytes <= part.atMost) return;
  const message = `${key} is ${bytes} bytes, at most ${part.atMost} are wanted of it`;
  throw new FormatError(message, { context: { object: key, bytes } });
}

export function cannotLock(key: string, url: string, cause?: unknown): VaultError {
  const message = `${key} in ${url} cannot be locked: the store has no Object Lock; create a bucket with Object Lock, or remove 'lock' from the vault's configuration`;
  return new VaultError('LockUnsupported', message, { context: { key }, cause });
}
