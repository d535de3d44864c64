import { randomBytes } from 'node:crypto';
import type { VpcEndpoint } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { EndpointRecord, InterfaceRecord } from '../records.ts';
import { findByToken, tokenFacts } from './client-token.ts';
import { describe, require, tagSet, unknownId } from './describe.ts';
import type { FilterTable } from './filters.ts';
import { type Call, FilterList, type Operations, operation, PAGED } from './operation.ts';
import { chooseAddress } from './subnets.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

/** What an endpoint gets without a policy of its own: everything to everybody. */
const OPEN_POLICY = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}';

/** Services that have a door here; an agent needs the first two. */
const SERVICES = ['ssm', 'ssmmessages', 'ec2messages'];

function filters(cloud: Cloud): FilterTable<EndpointRecord> {
  return {
    'ip-address-type': () => ['ipv4'],
    'service-name': ({ serviceName }) => [serviceName],
    'service-region': () => [cloud.settings.region],
    'vpc-endpoint-id': ({ id }) => [id],
    'vpc-endpoint-state': (endpoint) => [endpointState(endpoint, cloud)],
    'vpc-endpoint-type': () => ['Interface'],
    'vpc-id': ({ vpcId }) => [vpcId],
  };
}

const INPUT = {
  VpcEndpointType: z.string().optional(),
  VpcId: z.string(),
  ServiceName: z.string(),
  SubnetIds: z.array(z.string()).default([]),
  SecurityGroupIds: z.array(z.string()).default([]),
  PrivateDnsEnabled: z.boolean().default(true),
  PolicyDocument: z.string().optional(),
  ClientToken: z.string().max(64).optional(),
  TagSpecifications,
};
type EndpointInput = z.output<z.ZodObject<typeof INPUT>>;

export const endpointOperations: Operations = {
  CreateVpcEndpoint: operation(INPUT, (input, call) => {
    const { cloud } = call;
    const earlier = findByToken(cloud.db.endpoints.all(), input);
    if (earlier !== undefined) return { VpcEndpoint: renderEndpoint(earlier, cloud) };
    check(cloud, input);
    return { VpcEndpoint: renderEndpoint(create(cloud, input), cloud) };
  }),

  /** Answers per endpoint what could not be deleted, as EC2 does. */
  DeleteVpcEndpoints: operation({ VpcEndpointIds: z.array(z.string()).min(1) }, (input, { cloud }) => {
    const Unsuccessful = input.VpcEndpointIds.flatMap((id) => {
      const endpoint = cloud.db.endpoints.get(id);
      if (endpoint === undefined) {
        const { code, message } = unknownId('vpce', id);
        return [{ ResourceId: id, Error: { Code: code, Message: message } }];
      }
      cloud.store.together(() => {
        for (const interfaceId of endpoint.interfaceIds) cloud.db.interfaces.remove(interfaceId);
        cloud.db.endpoints.remove(id);
      });
      return [];
    });
    return { Unsuccessful };
  }),

  DescribeVpcEndpoints: operation(
    { VpcEndpointIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'vpce',
        records: cloud.db.endpoints.all(),
        ids: input.VpcEndpointIds,
        filters: input.Filters,
        table: filters(cloud),
        page: input,
      });
      return { VpcEndpoints: items.map((endpoint) => renderEndpoint(endpoint, cloud)), NextToken };
    },
  ),
};

function check({ db, settings }: Cloud, input: EndpointInput): void {
  const { id, dnsSupport, dnsHostnames } = require(db.vpcs, 'vpc', input.VpcId);
  if (input.VpcEndpointType !== 'Interface') throw unsupported(`${input.VpcEndpointType ?? 'Gateway'} endpoints`);
  if (!SERVICES.some((service) => input.ServiceName === `com.amazonaws.${settings.region}.${service}`)) {
    throw new CloudError('InvalidServiceName', `The Vpc Endpoint Service '${input.ServiceName}' does not exist`);
  }
  if (input.PrivateDnsEnabled && !(dnsSupport && dnsHostnames)) {
    throw new CloudError(
      'InvalidParameter',
      `Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for ${id}`,
    );
  }
  const sameName = ({ vpcId, serviceName, privateDns }: EndpointRecord) =>
    vpcId === id && serviceName === input.ServiceName && privateDns;
  if (input.PrivateDnsEnabled && db.endpoints.all().some(sameName)) {
    throw new CloudError(
      'InvalidParameter',
      `private-dns-enabled cannot be set because there is already a conflicting DNS domain for ${input.ServiceName} in the VPC ${id}`,
    );
  }
  const belongs = [
    ...input.SubnetIds.map((subnet) => require(db.subnets, 'subnet', subnet)),
    ...input.SecurityGroupIds.map((group) => require(db.groups, 'sg', group)),
  ];
  const foreign = belongs.find(({ vpcId }) => vpcId !== id);
  if (foreign !== undefined) throw new CloudError('InvalidParameter', `${foreign.id} does not belong to ${id}`);
  checkPolicy(input.PolicyDocument);
}

function checkPolicy(text: string | undefined): void {
  if (text === undefined) return;
  try {
    JSON.parse(text);
  } catch {
    throw new CloudError('InvalidPolicyDocument', 'The policy document is not valid JSON');
  }
}

function create(cloud: Cloud, input: EndpointInput): EndpointRecord {
  const { db, now } = cloud;
  const id = newId('vpce');
  const named = input.SecurityGroupIds.length > 0 ? input.SecurityGroupIds : defaultGroups(cloud, input.VpcId);
  const cards = input.SubnetIds.map(
    (subnetId): InterfaceRecord => ({
      id: newId('eni'),
      createdAt: now(),
      tags: {},
      endpointId: id,
      subnetId,
      vpcId: input.VpcId,
      privateIp: chooseAddress(cloud, require(db.subnets, 'subnet', subnetId), undefined),
      mac: `52:54:00:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
      groupIds: named,
      attachmentId: newId('ela-attach'),
    }),
  );
  const endpoint: EndpointRecord = {
    id,
    createdAt: now(),
    tags: tagsFor(input.TagSpecifications, 'vpc-endpoint'),
    vpcId: input.VpcId,
    serviceName: input.ServiceName,
    subnetIds: input.SubnetIds,
    groupIds: named,
    interfaceIds: cards.map((card) => card.id),
    privateDns: input.PrivateDnsEnabled,
    policy: input.PolicyDocument ?? OPEN_POLICY,
    ...tokenFacts(input),
  };
  cloud.store.together(() => {
    for (const card of cards) db.interfaces.put(card);
    db.endpoints.put(endpoint);
  });
  return endpoint;
}

function defaultGroups({ db }: Call['cloud'], vpcId: string): string[] {
  const groups = db.groups.all().filter((group) => group.vpcId === vpcId && group.name === 'default');
  return groups.map(({ id }) => id);
}

export function endpointState({ createdAt }: EndpointRecord, { now, settings }: Cloud): 'pending' | 'available' {
  return now() - createdAt < settings.endpointPendingMs ? 'pending' : 'available';
}

function renderEndpoint(endpoint: EndpointRecord, cloud: Cloud): VpcEndpoint {
  return {
    VpcEndpointId: endpoint.id,
    VpcEndpointType: 'Interface',
    VpcId: endpoint.vpcId,
    ServiceName: endpoint.serviceName,
    // Lower case, as the service answers it; the model's words have capitals.
    State: endpointState(endpoint, cloud) as NonNullable<VpcEndpoint['State']>,
    PolicyDocument: endpoint.policy,
    RouteTableIds: [],
    SubnetIds: [...endpoint.subnetIds],
    Groups: endpoint.groupIds.map((id) => ({ GroupId: id, GroupName: cloud.db.groups.get(id)?.name })),
    IpAddressType: 'ipv4',
    PrivateDnsEnabled: endpoint.privateDns,
    RequesterManaged: false,
    NetworkInterfaceIds: [...endpoint.interfaceIds],
    CreationTimestamp: new Date(endpoint.createdAt),
    OwnerId: cloud.settings.accountId,
    Tags: tagSet(endpoint.tags),
  };
}
