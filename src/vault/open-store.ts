import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { createFileStore } from './file/file-store.ts';
import type { ObjectStore } from './object-store.ts';
import { RETRY_DELAYS_MS, retrying } from './retrying.ts';
import { createS3Client, createS3Store } from './s3/s3-store.ts';

/**
 * The store behind a vault's URL: `s3://bucket/prefix` (AWS's standard environment decides credentials, region and
 * endpoint) or `file:///folder`. Calls are retried where the port says they are repeatable.
 */
export function openStore(url: string, { clock }: { readonly clock: Clock }): ObjectStore {
  return retrying(openBareStore(url, clock), { delaysMs: RETRY_DELAYS_MS, clock });
}

function openBareStore(text: string, clock: Clock): ObjectStore {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'file:' && url.host === '' && url.pathname.length > 1)
    return createFileStore(fileURLToPath(url));
  if (url?.protocol === 's3:' && url.host !== '') {
    const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
    const place = { bucket: url.host, prefix: path === '' ? '' : `${path}/` };
    return createS3Store(createS3Client(process.env), place, { clock });
  }
  const message = `'${text}' is no vault URL; write s3://bucket/prefix or file:///folder`;
  throw new ConfigurationError('InvalidConfiguration', message);
}
