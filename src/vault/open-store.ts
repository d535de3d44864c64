import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { createFileStore } from './file/file-store.ts';
import type { ObjectStore } from './object-store.ts';
import { RETRY_DELAYS_MS, retrying } from './retrying.ts';
import { createS3Client, createS3Store, type S3Place } from './s3/s3-store.ts';
import { createS3Versions } from './s3/s3-versions.ts';
import type { VersionStore } from './version-store.ts';

/**
 * The store behind a vault's URL: `s3://bucket/prefix` (AWS's standard environment decides credentials, region and
 * endpoint) or `file:///folder`. Calls are retried where the port says they are repeatable.
 */
export function openStore(url: string, { clock, profile }: StoreOptions): ObjectStore {
  return retrying(openBareStore(url, { clock, profile }), { delaysMs: RETRY_DELAYS_MS, clock });
}

export interface StoreOptions {
  readonly clock: Clock;
  /** Of AWS's shared files, whose credentials are used instead of the environment's; folders have none. */
  readonly profile?: string | undefined;
}

/** The versions behind the objects of a vault; undefined for a folder, which keeps none. */
export function openVersions(url: string, { clock, profile }: StoreOptions): VersionStore | undefined {
  const place = placeOf(url);
  return 'bucket' in place ? createS3Versions(clientAs(profile), place, { clock }) : undefined;
}

function openBareStore(url: string, { clock, profile }: StoreOptions): ObjectStore {
  const place = placeOf(url);
  return 'bucket' in place ? createS3Store(clientAs(profile), place, { clock }) : createFileStore(place.folder);
}

function clientAs(profile: string | undefined) {
  return createS3Client(process.env, { ...(profile !== undefined && { profile }) });
}

/** What a vault's URL names; InvalidConfiguration when it is none, or when a part of it would be left out of the name. */
export function placeOf(text: string): S3Place | { readonly folder: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'file:' && url.host === '' && url.pathname.length > 1) {
    mustNameAll(text, url);
    return { folder: decoded(text, () => fileURLToPath(url)) };
  }
  if (url?.protocol === 's3:' && url.host !== '') {
    mustNameAll(text, url);
    const path = decoded(text, () => decodeURIComponent(url.pathname)).replace(/^\/|\/$/g, '');
    if (/^\/|\/\/|\/$/.test(path)) throw refused(text, 'a part of its path is empty; write one / between two parts');
    return { bucket: url.host, prefix: path === '' ? '' : `${path}/` };
  }
  throw refused(text, 'write s3://bucket/prefix or file:///folder');
}

const ESCAPES = 'in a name write % as %25, # as %23, ? as %3F and \\ as %5C';

/**
 * A query, a fragment and a user name no folder, and a vault must not be made beside the one that was meant. The standard
 * also drops control characters and spaces at the ends, and takes \ for / (url.spec.whatwg.org, basic URL parser).
 */
function mustNameAll(text: string, { username, password }: URL): void {
  if (!/[?#\\\p{Cc}]|^ | $/u.test(text) && username === '' && password === '') return;
  throw refused(text, `a query, a fragment or a user names no place; ${ESCAPES}`);
}

function decoded(text: string, decode: () => string): string {
  try {
    const path = decode();
    // No file and no object has a NUL in its name.
    if (!path.includes('\0')) return path;
  } catch {
    // A % without two digits behind it, or bytes that are no UTF-8.
  }
  throw refused(text, `it does not decode; ${ESCAPES}`);
}

function refused(text: string, reason: string): ConfigurationError {
  const shown = text.replace(/\/\/[^/]*@/, '//…@'); // a password stays out of logs
  return new ConfigurationError('InvalidConfiguration', `'${shown}' is no vault URL: ${reason}`);
}
