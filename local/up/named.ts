import type { Filter, ResourceType, TagSpecification } from '@aws-sdk/client-ec2';

/** Resources of the lab are found by this tag on every `up`, so a killed one is taken up where it was. */
const TAG = 'understudy-lab';

export function named(
  type: ResourceType,
  name: string,
  more: Readonly<Record<string, string>> = {},
): TagSpecification[] {
  const tags = Object.entries({ [TAG]: name, Name: name, ...more });
  return [{ ResourceType: type, Tags: tags.map(([Key, Value]) => ({ Key, Value })) }];
}

export function byName(name: string): Filter[] {
  return [{ Name: `tag:${TAG}`, Values: [name] }];
}

/** Narrows what the SDK types as optional. */
export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the local cloud's answer lacks ${what}`);
  return value;
}
