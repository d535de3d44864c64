import type { Clock } from './clock.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * The store behind a vault's URL: `s3://bucket/prefix` (AWS's standard environment decides credentials, region and
 * endpoint) or `file:///folder`. Calls are retried where the port says they are repeatable.
 */
export function openStore(_url: string, _deps: { readonly clock: Clock }): ObjectStore {
  throw new Error('not written yet');
}
