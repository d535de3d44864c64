import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { ownValue } from '../own-value.ts';
import type { NodeRecord } from '../records.ts';
import { jsonOperation } from '../wire/json-service.ts';
import { pingStatus } from './nodes.ts';
import { pageOf } from './pages.ts';

/** The guest's own agent (local/guest); none of AWS's versions. */
const AGENT_VERSION = '0.0.0.1';

type Values = (node: NodeRecord, cloud: Cloud) => readonly string[];
const FILTERS: Readonly<Record<string, Values>> = {
  AgentVersion: () => [AGENT_VERSION],
  InstanceIds: ({ instanceId }) => [instanceId],
  PingStatus: (node, cloud) => [pingStatus(node, cloud)],
  PlatformTypes: () => ['Linux'],
  ResourceType: () => ['EC2Instance'],
};

const Filter = z.strictObject({ Key: z.string().min(1), Values: z.array(z.string()).min(1) });

export const nodeOperations = {
  DescribeInstanceInformation: jsonOperation(
    z.strictObject({
      Filters: z.array(Filter).default([]),
      MaxResults: z.int().min(5).max(50).default(10),
      NextToken: z.string().optional(),
    }),
    (cloud, { Filters, MaxResults, NextToken }) => {
      const byTag = Filters.filter(({ Key }) => Key.startsWith('tag:') || Key === 'tag-key');
      if (byTag.length > 0 && Filters.length > 1) {
        throw new CloudError('InvalidInstanceInformationFilterValue', 'A tag filter cannot be combined with others');
      }
      const nodes = cloud.db.nodes
        .all()
        .filter((node) => Filters.every((filter) => matches(cloud, node, filter)))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const page = pageOf(nodes, { size: MaxResults, token: NextToken });
      return { InstanceInformationList: page.items.map((node) => renderNode(cloud, node)), ...page.next };
    },
  ),
};

function matches(cloud: Cloud, node: NodeRecord, { Key, Values }: z.output<typeof Filter>): boolean {
  const tags = cloud.db.instances.get(node.instanceId)?.tags ?? {};
  if (Key.startsWith('tag:')) return Values.includes(ownValue(tags, Key.slice(4)) ?? '');
  if (Key === 'tag-key') return Values.some((key) => Object.hasOwn(tags, key));
  const values = ownValue(FILTERS, Key);
  if (values === undefined) throw new CloudError('InvalidFilterKey', `The filter ${Key} is not known`);
  return values(node, cloud).some((value) => Values.includes(value));
}

function renderNode(cloud: Cloud, node: NodeRecord) {
  const instance = cloud.db.instances.get(node.instanceId);
  return {
    InstanceId: node.instanceId,
    PingStatus: pingStatus(node, cloud),
    LastPingDateTime: node.lastPingAt / 1_000,
    RegistrationDate: node.registeredAt / 1_000,
    AgentVersion: AGENT_VERSION,
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: 'Understudy guest',
    ResourceType: 'EC2Instance',
    IPAddress: instance?.privateIp,
    ComputerName: instance === undefined ? undefined : `ip-${instance.privateIp.replaceAll('.', '-')}.ec2.internal`,
    IamRole: instance?.profile,
    SourceId: node.instanceId,
    SourceType: 'AWS::EC2::Instance',
  };
}
