import type { Vpc } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { VpcRecord } from '../records.ts';
import { DENY_ALL_ENTRIES, OPEN_ENTRIES } from './acls.ts';
import { parseCidr } from './cidr.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, ownedBy } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { OPEN_RULE } from './security-groups.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

const FILTERS: FilterTable<VpcRecord> = {
  'vpc-id': ({ id }) => [id],
  cidr: ({ cidr }) => [cidr],
  // Two more names that EC2 takes for it, by no page of its reference: Ansible asks by the second.
  cidrBlock: ({ cidr }) => [cidr],
  'cidr-block': ({ cidr }) => [cidr],
  'cidr-block-association.association-id': ({ id }) => [cidrAssociation(id)],
  'cidr-block-association.cidr-block': ({ cidr }) => [cidr],
  'cidr-block-association.state': () => ['associated'],
  state: () => ['available'],
  'is-default': () => [false],
  ...noneHas('dhcp-options-id', 'ipv6-cidr-block-association.association-id', 'ipv6-cidr-block-association.state'),
  ...noneHas('ipv6-cidr-block-association.ipv6-cidr-block', 'ipv6-cidr-block-association.ipv6-pool'),
};

/** Members that some clients always send, and whose only value here is the default. */
const DEFAULTS = {
  InstanceTenancy: z.literal('default').optional(),
  AmazonProvidedIpv6CidrBlock: z.literal(false).optional(),
};

export const vpcOperations: Operations = {
  CreateVpc: operation({ CidrBlock: z.string(), ...DEFAULTS, TagSpecifications }, (input, { cloud }) => {
    const { prefix } = parseCidr(input.CidrBlock);
    if (prefix < 16 || prefix > 28)
      throw new CloudError('InvalidVpc.Range', `The CIDR '${input.CidrBlock}' is invalid.`);
    const vpc = createVpc(cloud, input.CidrBlock, tagsFor(input.TagSpecifications, 'vpc'));
    return { Vpc: { ...renderVpc(vpc, cloud), State: 'pending' } satisfies Vpc };
  }),

  DeleteVpc: operation({ VpcId: z.string() }, (input, { cloud }) => {
    require(cloud.db.vpcs, 'vpc', input.VpcId);
    deleteVpc(cloud, input.VpcId);
    return undefined;
  }),

  DescribeVpcs: operation(
    { VpcIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'vpc',
        records: cloud.db.vpcs.all(),
        ids: input.VpcIds,
        filters: input.Filters,
        table: { ...FILTERS, ...ownedBy(cloud.settings.accountId) },
        page: input,
      });
      return { Vpcs: items.map((vpc) => renderVpc(vpc, cloud)), NextToken };
    },
  ),

  DescribeVpcAttribute: operation({ VpcId: z.string(), Attribute: z.string() }, (input, { cloud }) => {
    const { id, dnsSupport, dnsHostnames } = require(cloud.db.vpcs, 'vpc', input.VpcId);
    if (input.Attribute === 'enableDnsSupport') return { VpcId: id, EnableDnsSupport: { Value: dnsSupport } };
    if (input.Attribute === 'enableDnsHostnames') return { VpcId: id, EnableDnsHostnames: { Value: dnsHostnames } };
    if (input.Attribute === 'enableNetworkAddressUsageMetrics')
      return { VpcId: id, EnableNetworkAddressUsageMetrics: { Value: false } };
    throw invalidValue('attribute', input.Attribute);
  }),

  ModifyVpcAttribute: operation(
    {
      VpcId: z.string(),
      EnableDnsSupport: z.strictObject({ Value: z.boolean() }).optional(),
      EnableDnsHostnames: z.strictObject({ Value: z.boolean() }).optional(),
    },
    (input, { cloud }) => {
      const vpc = require(cloud.db.vpcs, 'vpc', input.VpcId);
      // Machines of this cloud have no resolver in any subnet: all that either attribute decides is whether agents find
      // the endpoints of their network by private names (ssm/reach.ts).
      cloud.db.vpcs.put({
        ...vpc,
        dnsSupport: input.EnableDnsSupport?.Value ?? vpc.dnsSupport,
        dnsHostnames: input.EnableDnsHostnames?.Value ?? vpc.dnsHostnames,
      });
      return undefined;
    },
  ),
};

function createVpc(cloud: Cloud, cidr: string, tags: VpcRecord['tags']): VpcRecord {
  const { db, store } = cloud;
  const fresh = { createdAt: cloud.now(), tags: {} };
  const vpcId = newId('vpc');
  const groupId = newId('sg');
  const vpc = { id: vpcId, createdAt: cloud.now(), tags, cidr, dnsSupport: true, dnsHostnames: false };
  store.together(() => {
    db.vpcs.put(vpc);
    db.routeTables.put({
      ...fresh,
      id: newId('rtb'),
      vpcId,
      routes: [{ cidr, gatewayId: 'local', origin: 'CreateRouteTable' }],
      associations: [{ id: newId('rtbassoc') }],
    });
    db.groups.put({
      ...fresh,
      id: groupId,
      vpcId,
      name: 'default',
      description: 'default VPC security group',
      ingress: [{ protocol: '-1', cidrs: [], cidrs6: [], groups: [{ groupId }] }],
      egress: [OPEN_RULE],
    });
    const entries = [...OPEN_ENTRIES, ...DENY_ALL_ENTRIES];
    db.acls.put({ ...fresh, id: newId('acl'), vpcId, isDefault: true, entries, associations: [] });
  });
  return vpc;
}

function deleteVpc({ db, store }: Cloud, vpcId: string): void {
  const inVpc = <T extends { vpcId?: string }>(records: T[]) => records.filter((record) => record.vpcId === vpcId);
  const groups = inVpc(db.groups.all());
  const tables = inVpc(db.routeTables.all());
  const acls = inVpc(db.acls.all());
  const holders = [
    ...inVpc(db.subnets.all()),
    ...inVpc(db.gateways.all()),
    ...inVpc(db.endpoints.all()),
    ...groups.filter(({ name }) => name !== 'default'),
    ...tables.filter(({ associations }) => !associations.some(({ subnetId }) => subnetId === undefined)),
    ...acls.filter(({ isDefault }) => !isDefault),
  ];
  if (holders.length > 0) {
    throw new CloudError(
      'DependencyViolation',
      `The vpc '${vpcId}' has dependencies and cannot be deleted (${holders[0]?.id}).`,
    );
  }
  store.together(() => {
    for (const group of groups) db.groups.remove(group.id);
    for (const table of tables) db.routeTables.remove(table.id);
    for (const acl of acls) db.acls.remove(acl.id);
    db.vpcs.remove(vpcId);
  });
}

function cidrAssociation(vpcId: string): string {
  return vpcId.replace('vpc-', 'vpc-cidr-assoc-');
}

function renderVpc(vpc: VpcRecord, { settings }: Cloud): Vpc {
  return {
    VpcId: vpc.id,
    CidrBlock: vpc.cidr,
    State: 'available',
    OwnerId: settings.accountId,
    IsDefault: false,
    InstanceTenancy: 'default',
    CidrBlockAssociationSet: [
      {
        AssociationId: cidrAssociation(vpc.id),
        CidrBlock: vpc.cidr,
        CidrBlockState: { State: 'associated' },
      },
    ],
    Tags: tagSet(vpc.tags),
  };
}
