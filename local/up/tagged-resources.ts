import { DescribeInstancesCommand, DescribeTagsCommand } from '@aws-sdk/client-ec2';
import type { LabClients } from './aws-clients.ts';

/** A resource that the product made, by its own tags; a tag it lacks reads 'none'. */
export interface TaggedResource {
  readonly id: string;
  readonly role: string;
  readonly runId: string;
  /** The production machine it was made for. */
  readonly sourceId: string;
}

/** What still carries this tag with one of these values, of every kind, terminated machines aside; in order of ids. */
export async function findTaggedResources(
  { ec2 }: Pick<LabClients, 'ec2'>,
  { key, values }: { readonly key: 'understudy:deployment' | 'understudy:run'; readonly values: readonly string[] },
): Promise<readonly TaggedResource[]> {
  const tagged = await readTags(ec2, key, values);
  const roles = await readTags(ec2, 'understudy:role');
  const runs = await readTags(ec2, 'understudy:run');
  const sources = await readTags(ec2, 'understudy:source');
  const gone = await findTerminated(ec2);
  return [...tagged.keys()]
    .filter((id) => !gone.has(id))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((id) => ({
      id,
      role: roles.get(id) ?? 'none',
      runId: runs.get(id) ?? 'none',
      sourceId: sources.get(id) ?? 'none',
    }));
}

async function readTags(
  ec2: LabClients['ec2'],
  key: string,
  values: readonly string[] = ['*'],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let NextToken: string | undefined;
  do {
    const filters = [
      { Name: 'key', Values: [key] },
      { Name: 'value', Values: [...values] },
    ];
    const page = await ec2.send(new DescribeTagsCommand({ Filters: filters, NextToken }));
    for (const { ResourceId, Value } of page.Tags ?? []) if (ResourceId) found.set(ResourceId, Value ?? '');
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** EC2 shows a terminated machine, tags and all, for about an hour. */
async function findTerminated(ec2: LabClients['ec2']): Promise<ReadonlySet<string>> {
  const filters = [{ Name: 'instance-state-name', Values: ['terminated'] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: filters }));
  return new Set(Reservations.flatMap(({ Instances = [] }) => Instances.flatMap(({ InstanceId }) => InstanceId ?? [])));
}
