import { PlatformError } from '../../errors.ts';
import { call } from './errors.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** 100,000 snapshots per region (EBS quotas) in pages of 200; an endpoint that pages for ever is stopped. */
const MAX_PAGES = 500;

/** All items of a paged describe. A page may be empty and still have a successor. */
export async function collect<T>(
  attempted: string,
  signal: AbortSignal,
  read: (token: string | undefined) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { items: more, next } = await call(attempted, signal, () => read(token));
    items.push(...more);
    if (!next) return items;
    token = next;
  }
  throw new PlatformError('PlatformRefused', `${attempted} still has pages after ${MAX_PAGES}: too many resources.`);
}
