import { DescribeInstancesCommand, DescribeTagsCommand } from '@aws-sdk/client-ec2';
import type { LabClients } from '../../local/up/aws-clients.ts';

export interface DeploymentResource {
  readonly id: string;
  readonly role: string;
  readonly runId: string;
  /** The production machine it was made for. */
  readonly sourceId: string;
}

/** Whatever carries the deployment's tag, of every kind, terminated machines aside; in order of ids. */
export async function findDeploymentResources(
  { ec2 }: LabClients,
  deploymentId: string,
): Promise<readonly DeploymentResource[]> {
  const mine = await readTags(ec2, 'understudy:deployment');
  const roles = await readTags(ec2, 'understudy:role');
  const runs = await readTags(ec2, 'understudy:run');
  const sources = await readTags(ec2, 'understudy:source');
  const gone = await findTerminated(ec2);
  return [...mine]
    .filter(([id, owner]) => owner === deploymentId && !gone.has(id))
    .map(([id]) => ({
      id,
      role: roles.get(id) ?? 'none',
      runId: runs.get(id) ?? 'none',
      sourceId: sources.get(id) ?? 'none',
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function readTags(ec2: LabClients['ec2'], key: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let NextToken: string | undefined;
  do {
    const filters = [{ Name: 'key', Values: [key] }];
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
