import { DescribeInstancesCommand, DescribeTagsCommand } from '@aws-sdk/client-ec2';
import type { LabClients } from '../up/aws-clients.ts';

export interface FoundResource {
  readonly id: string;
  readonly role: string;
}

/** What still carries the tag of one of these runs, terminated machines aside. */
export async function findRunResources(
  { ec2 }: Pick<LabClients, 'ec2'>,
  runIds: readonly string[],
): Promise<readonly FoundResource[]> {
  const tagged = await readTags(ec2, 'understudy:run', runIds);
  const roles = await readTags(ec2, 'understudy:role', ['*']);
  const gone = await findTerminated(ec2);
  return [...tagged.keys()].filter((id) => !gone.has(id)).map((id) => ({ id, role: roles.get(id) ?? 'unknown' }));
}

async function readTags(ec2: LabClients['ec2'], key: string, values: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(
      new DescribeTagsCommand({
        Filters: [
          { Name: 'key', Values: [key] },
          { Name: 'value', Values: [...values] },
        ],
        NextToken,
      }),
    );
    for (const { ResourceId, Value } of page.Tags ?? []) if (ResourceId) found.set(ResourceId, Value ?? '');
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** EC2 shows a terminated machine, tags and all, for about an hour. */
async function findTerminated(ec2: LabClients['ec2']): Promise<ReadonlySet<string>> {
  const filters = [{ Name: 'instance-state-name', Values: ['terminated'] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: filters }));
  const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
  return new Set(instances.flatMap(({ InstanceId }) => InstanceId ?? []));
}
