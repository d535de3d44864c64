import { CloudError } from '../cloud-error.ts';
import { globMatches } from '../glob.ts';
import { ownValue } from '../own-value.ts';
import type { Tags } from '../records.ts';

export interface Filter {
  readonly Name: string;
  readonly Values: readonly string[];
}

/** For each filter name, the values that a record has for it; one of them must match. */
export type FilterTable<T> = Readonly<
  Record<string, (record: T) => readonly (string | number | boolean | undefined)[]>
>;

/** Filters of EC2 about what nothing here can have: they are known, and match nothing. */
export function noneHas(...names: readonly string[]): Readonly<Record<string, () => readonly never[]>> {
  return Object.fromEntries(names.map((name) => [name, () => []]));
}

/** Everything here belongs to one account. */
export function ownedBy(accountId: string) {
  return { 'owner-id': () => [accountId] };
}

/** Nothing here is kept by another service for its customer. */
export const UNMANAGED = { 'operator.managed': () => [false], 'operator.principal': () => [] };

/** A time as filters compare it: as text, so that `2026-11-*` is a day of a month. */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** Values of one filter are alternatives, filters must all hold; unknown names are refused, as EC2 does. */
export function matchesFilters<T extends { readonly tags: Tags }>(
  record: T,
  filters: readonly Filter[],
  table: FilterTable<T>,
): boolean {
  return filters.every(({ Name, Values }) => {
    const held = valuesOf(record, Name, table).filter((value) => value !== undefined);
    return Values.some((pattern) => held.some((value) => globMatches(pattern, String(value))));
  });
}

function valuesOf<T extends { readonly tags: Tags }>(record: T, name: string, table: FilterTable<T>) {
  if (name.startsWith('tag:')) return [ownValue(record.tags, name.slice(4))];
  if (name === 'tag-key') return Object.keys(record.tags);
  return ownValue(table, name)?.(record) ?? [];
}

export function refuseUnknownFilters(filters: readonly Filter[], names: readonly string[]): void {
  for (const { Name } of filters) {
    if (Name.startsWith('tag:') || Name === 'tag-key' || names.includes(Name)) continue;
    throw new CloudError('InvalidParameterValue', `The filter '${Name}' is invalid`);
  }
}
