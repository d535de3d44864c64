import { z } from 'zod';
import { collectionOf, type Records, type TaggedRecord } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { ID_KINDS, type IdPrefix } from '../ids.ts';
import { require, unknownId } from './describe.ts';
import { type FilterTable, matchesFilters, refuseUnknownFilters } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { paginate } from './pages.ts';
import { checkCount, checkedTags, TagList } from './tag-specifications.ts';

interface TagRow {
  readonly resourceId: string;
  readonly resourceType: string;
  readonly key: string;
  readonly value: string;
  /** Tag rows have no tags themselves; the filter engine asks. */
  readonly tags: Readonly<Record<string, string>>;
}

const FILTERS: FilterTable<TagRow> = {
  key: ({ key }) => [key],
  value: ({ value }) => [value],
  'resource-id': ({ resourceId }) => [resourceId],
  'resource-type': ({ resourceType }) => [resourceType],
};

export const tagOperations: Operations = {
  CreateTags: operation({ Resources: z.array(z.string()).min(1), Tags: TagList.min(1) }, (input, { cloud }) => {
    const added = checkedTags(input.Tags);
    const resources = input.Resources.map((id) => findTagged(cloud.db, id));
    for (const { record } of resources) checkCount({ ...record.tags, ...added });
    cloud.store.together(() => {
      for (const { collection, record } of resources)
        collection.update(record.id, { tags: { ...record.tags, ...added } });
    });
    return undefined;
  }),

  DeleteTags: operation(
    {
      Resources: z.array(z.string()).min(1),
      Tags: z.array(z.strictObject({ Key: z.string(), Value: z.string().optional() })).optional(),
    },
    (input, { cloud }) => {
      const resources = input.Resources.map((id) => findTagged(cloud.db, id));
      // Without a list all go: AWS's own, which would stay, do not exist here.
      const isNamed = (key: string, value: string) =>
        input.Tags?.some((tag) => tag.Key === key && (tag.Value === undefined || tag.Value === value)) ?? true;
      cloud.store.together(() => {
        for (const { collection, record } of resources) {
          const kept = Object.entries(record.tags).filter(([key, value]) => !isNamed(key, value));
          collection.update(record.id, { tags: Object.fromEntries(kept) });
        }
      });
      return undefined;
    },
  ),

  DescribeTags: operation({ Filters: FilterList, ...PAGED }, (input, { cloud }) => {
    refuseUnknownFilters(input.Filters ?? [], Object.keys(FILTERS));
    const rows = prefixes().flatMap((prefix) => tagRows(prefix, collectionOf(cloud.db, prefix)?.all() ?? []));
    const matching = rows
      .filter((row) => matchesFilters(row, input.Filters ?? [], FILTERS))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const { items, NextToken } = paginate(matching, input, keyOf);
    return {
      Tags: items.map(({ resourceId, resourceType, key, value }) => ({
        ResourceId: resourceId,
        ResourceType: resourceType,
        Key: key,
        Value: value,
      })),
      NextToken,
    };
  }),
};

function prefixes(): IdPrefix[] {
  return Object.keys(ID_KINDS) as IdPrefix[];
}

function tagRows(prefix: IdPrefix, records: readonly TaggedRecord[]): TagRow[] {
  return records
    .filter((record) => !('state' in record) || !['deleted', 'capturing'].includes(String(record.state)))
    .flatMap(({ id, tags }) =>
      Object.entries(tags).map(([key, value]) => ({
        resourceId: id,
        resourceType: ID_KINDS[prefix].kind,
        key,
        value,
        tags: {},
      })),
    );
}

function keyOf({ resourceId, key }: TagRow): string {
  return `${resourceId}/${key}`;
}

function findTagged(db: Records, id: string) {
  const prefix = prefixes().find((known) => id.startsWith(`${known}-`));
  const collection = prefix === undefined ? undefined : collectionOf(db, prefix);
  if (prefix === undefined || collection === undefined)
    throw new CloudError('InvalidID', `The ID '${id}' is not valid`);
  const record = require(collection, prefix, id);
  if ('state' in record && (record.state === 'deleted' || record.state === 'capturing')) throw unknownId(prefix, id);
  return { collection, record };
}
