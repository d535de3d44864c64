import { expect, test } from 'vitest';
import { type Filter, matchesFilters, refuseUnknownFilters } from '../../../../../local/cloud/ec2/filters.ts';
import { paginate } from '../../../../../local/cloud/ec2/pages.ts';

const RECORD = { id: 'snap-1', size: 8, tags: { 'understudy:run': 'r1', empty: '' } };
const TABLE = {
  'snapshot-id': ({ id }: typeof RECORD) => [id],
  'volume-size': ({ size }: typeof RECORD) => [size],
  absent: () => [undefined],
};
const filter = (Name: string, ...Values: string[]): Filter => ({ Name, Values });

test.each([
  { filters: [], matches: true },
  { filters: [filter('snapshot-id', 'snap-2', 'snap-1')], matches: true },
  { filters: [filter('snapshot-id', 'snap-?')], matches: true },
  { filters: [filter('snapshot-id', 'snap')], matches: false },
  { filters: [filter('volume-size', '8'), filter('tag:understudy:run', 'r1')], matches: true },
  { filters: [filter('volume-size', '8'), filter('tag:understudy:run', 'r2')], matches: false },
  { filters: [filter('tag-key', 'understudy:*')], matches: true },
  { filters: [filter('tag:empty', '')], matches: true },
  { filters: [filter('tag:missing', '*')], matches: false },
  { filters: [filter('absent', '*')], matches: false },
])('filters $filters match: $matches', ({ filters, matches }) => {
  expect(matchesFilters(RECORD, filters, TABLE)).toBe(matches);
});

test('a filter that EC2 does not have is an error, never an empty answer', () => {
  expect(() => refuseUnknownFilters([filter('snapshotid', 'x')], Object.keys(TABLE))).toThrow(
    /'snapshotid' is invalid/,
  );
});

test('pages show every item once, also when one that was shown disappears meanwhile', () => {
  const items = Array.from({ length: 12 }, (_, index) => `id-${String(index).padStart(2, '0')}`);
  const first = paginate(items, { MaxResults: 5 }, (id) => id);
  const rest = items.filter((id) => id !== 'id-04');
  const second = paginate(rest, { MaxResults: 5, NextToken: first.NextToken }, (id) => id);
  const third = paginate(rest, { MaxResults: 5, NextToken: second.NextToken }, (id) => id);
  expect([...first.items, ...second.items, ...third.items]).toEqual(items);
  expect(third.NextToken).toBeUndefined();
});

test.each([{ request: { MaxResults: 4 } }, { request: { NextToken: 'nonsense' } }])(
  'a page request $request is refused',
  ({ request }) => {
    expect(() => paginate(['a'], request, (id) => id)).toThrow();
  },
);
