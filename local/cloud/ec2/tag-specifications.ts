import { z } from 'zod';
import { CloudError } from '../cloud-error.ts';
import type { Tags } from '../records.ts';

export const TagList = z.array(z.strictObject({ Key: z.string(), Value: z.string().default('') }));
export const TagSpecifications = z.array(z.strictObject({ ResourceType: z.string(), Tags: TagList })).optional();

const MAX_TAGS = 50; // EC2's limit per resource
/** Unicode characters, as in EC2's API_Tag. */
const MAX_KEY_CHARACTERS = 127;
const MAX_VALUE_CHARACTERS = 256;

/** The tags that a request gives to new resources of one type; other types than `allowed` are refused. */
export function tagsFor(
  specifications: z.output<typeof TagSpecifications>,
  type: string,
  allowed: readonly string[] = [type],
): Tags {
  let tags: Tags = {};
  for (const { ResourceType, Tags } of specifications ?? []) {
    if (!allowed.includes(ResourceType)) {
      throw new CloudError(
        'InvalidParameterValue',
        `'${ResourceType}' is not a valid taggable resource type for this operation.`,
      );
    }
    if (ResourceType === type) tags = { ...tags, ...checkedTags(Tags) };
  }
  return checkCount(tags);
}

export function checkedTags(list: z.output<typeof TagList>): Tags {
  const tags = new Map<string, string>();
  for (const { Key, Value } of list) {
    if (Key === '' || [...Key].length > MAX_KEY_CHARACTERS || Key.startsWith('aws:')) {
      throw new CloudError('InvalidParameterValue', `Tag key '${Key}' is empty, too long or reserved`);
    }
    if ([...Value].length > MAX_VALUE_CHARACTERS) {
      throw new CloudError('InvalidParameterValue', `Tag value of '${Key}' exceeds ${MAX_VALUE_CHARACTERS} characters`);
    }
    if (tags.has(Key)) throw new CloudError('InvalidParameterValue', `Duplicate tag key '${Key}' specified.`);
    tags.set(Key, Value);
  }
  // Not by assignment, for which a key `__proto__` would be something else.
  return Object.fromEntries(tags);
}

export function checkCount(tags: Tags): Tags {
  if (Object.keys(tags).length <= MAX_TAGS) return tags;
  throw new CloudError('TagLimitExceeded', `The maximum number of tags per resource is ${MAX_TAGS}`);
}
