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

/** What a vault's URL names; InvalidConfiguration when it is none. */
export function placeOf(text: string): S3Place | { readonly folder: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'file:' && url.host === '' && url.pathname.length > 1) return { folder: fileURLToPath(url) };
  if (url?.protocol === 's3:' && url.host !== '') {
    const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
    return { bucket: url.host, prefix: path === '' ? '' : `${path}/` };
  }
  const message = `'${text}' is no vault URL; write s3://bucket/prefix or file:///folder`;
  throw new ConfigurationError('InvalidConfiguration', message);
}
