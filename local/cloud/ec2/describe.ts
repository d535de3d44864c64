import type { Cloud, TaggedRecord } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { ID_KINDS, type IdPrefix, isWellFormed } from '../ids.ts';
import type { Tags } from '../records.ts';
import { type Filter, type FilterTable, matchesFilters, refuseUnknownFilters } from './filters.ts';
import { type Page, type PageRequest, paginate } from './pages.ts';

interface Description<T extends TaggedRecord> {
  readonly cloud: Cloud;
  readonly prefix: IdPrefix;
  readonly records: readonly T[];
  readonly ids?: readonly string[] | undefined;
  readonly filters?: readonly Filter[] | undefined;
  readonly table: FilterTable<T>;
  readonly page?: PageRequest;
}

/** Machines and what they are made of. Clients find a network that they have just made by filters, and on AWS they do. */
const LATE_IN_LISTS: readonly IdPrefix[] = ['i', 'vol', 'snap', 'ami', 'eni'];

/** The part that all Describe calls share: unknown ids, what is not visible yet, filters, pages. */
export function describe<T extends TaggedRecord>({
  cloud,
  prefix,
  records,
  ids,
  filters = [],
  table,
  page = {},
}: Description<T>): Page<T> {
  const named = ids !== undefined && ids.length > 0;
  refuseUnknownFilters(filters, Object.keys(table));
  if (named && page.MaxResults !== undefined) {
    throw new CloudError('InvalidParameterCombination', 'Ids and MaxResults cannot be used together in one request');
  }
  const { lookupLagMs, describeLagMs } = cloud.settings;
  const listLagMs = LATE_IN_LISTS.includes(prefix) ? describeLagMs : 0;
  const visibleSince = cloud.now() - (named ? lookupLagMs : listLagMs);
  const visible = new Map(
    records.filter(({ createdAt }) => createdAt <= visibleSince).map((record) => [record.id, record]),
  );
  for (const id of ids ?? []) if (!visible.has(id)) throw unknownId(prefix, id);
  const wanted = named ? [...visible.values()].filter(({ id }) => ids.includes(id)) : [...visible.values()];
  const matching = wanted
    .filter((record) => matchesFilters(record, filters, table))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return paginate(matching, page, ({ id }) => id);
}

export function unknownId(prefix: IdPrefix, id: string): CloudError {
  const { kind, malformed, unknown } = ID_KINDS[prefix];
  if (!isWellFormed(prefix, id)) return new CloudError(malformed, `Invalid id: "${id}" (expecting "${prefix}-...")`);
  return new CloudError(unknown, `The ${kind} ID '${id}' does not exist`);
}

/** For calls that act on one resource: the record, or EC2's error for an unknown id. */
export function require<T>(collection: { get(id: string): T | undefined }, prefix: IdPrefix, id: string): T {
  const record = collection.get(id);
  if (record === undefined) throw unknownId(prefix, id);
  return record;
}

export function tagSet(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
