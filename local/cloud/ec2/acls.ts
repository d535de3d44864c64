import type { NetworkAcl } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { AclEntry, NetworkAclRecord } from '../records.ts';
import { contains, parseCidr } from './cidr.ts';
import { findByToken, tokenFacts } from './client-token.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, ownedBy } from './filters.ts';
import { FilterList, type Operations, operation, PAGED } from './operation.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

const LAST_RULE = 32_767; // the `*` rule that every list ends with
const everything = (number: number, allow: boolean): AclEntry[] =>
  [true, false].map((egress) => ({ number, egress, allow, protocol: '-1', cidr: '0.0.0.0/0' }));
export const OPEN_ENTRIES = everything(100, true);
export const DENY_ALL_ENTRIES = everything(LAST_RULE, false);

const FILTERS: FilterTable<NetworkAclRecord> = {
  'network-acl-id': ({ id }) => [id],
  'vpc-id': ({ vpcId }) => [vpcId],
  default: ({ isDefault }) => [isDefault],
  'association.subnet-id': ({ associations }) => associations.map(({ subnetId }) => subnetId),
  'association.association-id': ({ associations }) => associations.map(({ id }) => id),
  'association.network-acl-id': ({ id, associations }) => associations.map(() => id),
  'entry.cidr': ({ entries }) => entries.map(({ cidr }) => cidr),
  'entry.egress': ({ entries }) => entries.map(({ egress }) => egress),
  'entry.port-range.from': ({ entries }) => entries.map(({ ports }) => ports?.from),
  'entry.port-range.to': ({ entries }) => entries.map(({ ports }) => ports?.to),
  'entry.protocol': ({ entries }) => entries.map(({ protocol }) => protocol),
  'entry.rule-action': ({ entries }) => entries.map(({ allow }) => (allow ? 'allow' : 'deny')),
  'entry.rule-number': ({ entries }) => entries.map(({ number }) => number),
  ...noneHas('entry.icmp.code', 'entry.icmp.type', 'entry.ipv6-cidr'),
};

export const aclOperations: Operations = {
  CreateNetworkAcl: operation(
    { VpcId: z.string(), TagSpecifications, ClientToken: z.string().max(64).optional() },
    (input, { cloud }) => {
      const earlier = findByToken(cloud.db.acls.all(), input);
      if (earlier !== undefined) return { NetworkAcl: renderAcl(earlier, cloud), ClientToken: input.ClientToken };
      const { id: vpcId } = require(cloud.db.vpcs, 'vpc', input.VpcId);
      const tags = tagsFor(input.TagSpecifications, 'network-acl');
      const facts = { id: newId('acl'), createdAt: cloud.now(), tags, vpcId, ...tokenFacts(input) };
      const acl = { ...facts, isDefault: false, entries: DENY_ALL_ENTRIES, associations: [] };
      return { NetworkAcl: renderAcl(cloud.db.acls.put(acl), cloud), ClientToken: input.ClientToken };
    },
  ),

  CreateNetworkAclEntry: operation(
    {
      NetworkAclId: z.string(),
      RuleNumber: z
        .int()
        .min(1)
        .max(LAST_RULE - 1),
      Protocol: z.string(),
      RuleAction: z.enum(['allow', 'deny']),
      Egress: z.boolean(),
      CidrBlock: z.string(),
      PortRange: z
        .strictObject({ From: z.int().min(0).max(65_535), To: z.int().min(0).max(65_535) })
        .refine(({ From, To }) => From <= To, 'It ends before it begins')
        .optional(),
    },
    (input, { cloud }) => {
      const acl = require(cloud.db.acls, 'acl', input.NetworkAclId);
      const isEverything = input.Protocol === '-1' && input.CidrBlock === '0.0.0.0/0';
      // The way out is decided for a whole machine, so a list opens or closes it as one; TCP can be let through besides,
      // to and from the endpoints of the network.
      if (!isEverything && (input.RuleAction === 'deny' || input.Protocol !== '6'))
        throw unsupported('network ACL entries for a part of the traffic other than allowed TCP');
      parseCidr(input.CidrBlock);
      if (acl.entries.some(({ number, egress }) => number === input.RuleNumber && egress === input.Egress)) {
        throw new CloudError(
          'NetworkAclEntryAlreadyExists',
          `The network acl entry ${input.RuleNumber} already exists.`,
        );
      }
      const entry = {
        number: input.RuleNumber,
        egress: input.Egress,
        allow: input.RuleAction === 'allow',
        protocol: input.Protocol,
        cidr: input.CidrBlock,
        ...(input.PortRange !== undefined && { ports: { from: input.PortRange.From, to: input.PortRange.To } }),
      };
      cloud.db.acls.put({ ...acl, entries: [...acl.entries, entry] });
      return undefined;
    },
  ),

  DeleteNetworkAcl: operation({ NetworkAclId: z.string() }, (input, { cloud }) => {
    const acl = require(cloud.db.acls, 'acl', input.NetworkAclId);
    if (acl.isDefault || acl.associations.length > 0) {
      throw new CloudError('DependencyViolation', `The network acl '${acl.id}' is in use and cannot be deleted.`);
    }
    cloud.db.acls.remove(acl.id);
    return undefined;
  }),

  ReplaceNetworkAclAssociation: operation(
    { AssociationId: z.string(), NetworkAclId: z.string() },
    (input, { cloud }) => {
      const target = require(cloud.db.acls, 'acl', input.NetworkAclId);
      const source = cloud.db.acls
        .all()
        .find(({ associations }) => associations.some(({ id }) => id === input.AssociationId));
      const moved = source?.associations.find(({ id }) => id === input.AssociationId);
      if (source === undefined || moved === undefined) {
        throw new CloudError(
          'InvalidAssociationID.NotFound',
          `The association ID '${input.AssociationId}' does not exist`,
        );
      }
      const association = { id: newId('aclassoc'), subnetId: moved.subnetId };
      cloud.store.together(() => {
        cloud.db.acls.put({ ...source, associations: source.associations.filter(({ id }) => id !== moved.id) });
        const { associations } = require(cloud.db.acls, 'acl', target.id); // the source may be the target
        cloud.db.acls.put({ ...target, associations: [...associations, association] });
      });
      return { NewAssociationId: association.id };
    },
  ),

  DescribeNetworkAcls: operation(
    { NetworkAclIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'acl',
        records: cloud.db.acls.all(),
        ids: input.NetworkAclIds,
        filters: input.Filters,
        table: { ...FILTERS, ...ownedBy(cloud.settings.accountId) },
        page: input,
      });
      return { NetworkAcls: items.map((acl) => renderAcl(acl, cloud)), NextToken };
    },
  ),
};

/** Whether the list of this subnet lets everything through in this direction: the lowest such rule decides. */
export function aclAllows(cloud: Cloud, subnet: string, egress: boolean): boolean {
  return rulesOf(cloud, subnet, egress).find(({ protocol }) => protocol === '-1')?.allow ?? false;
}

export interface AclTraffic {
  readonly subnetId: string;
  readonly egress: boolean;
  readonly address: string;
  readonly port: number;
}

/** Whether TCP with this peer passes the list: the lowest rule that is about it decides. */
export function aclPasses(cloud: Cloud, { subnetId, egress, address, port }: AclTraffic): boolean {
  const rule = rulesOf(cloud, subnetId, egress).find(({ cidr, ports }) => {
    const covers = contains(parseCidr(cidr), parseCidr(`${address}/32`));
    return covers && (ports === undefined || (ports.from <= port && port <= ports.to));
  });
  return rule?.allow ?? false;
}

function rulesOf({ db }: Cloud, subnet: string, egress: boolean): AclEntry[] {
  const acl = db.acls.all().find(({ associations }) => associations.some(({ subnetId }) => subnetId === subnet));
  return (acl?.entries ?? []).filter((entry) => entry.egress === egress).sort((a, b) => a.number - b.number);
}

function renderAcl(acl: NetworkAclRecord, { settings }: Cloud): NetworkAcl {
  return {
    NetworkAclId: acl.id,
    VpcId: acl.vpcId,
    IsDefault: acl.isDefault,
    OwnerId: settings.accountId,
    Entries: acl.entries.map((entry) => ({
      RuleNumber: entry.number,
      Egress: entry.egress,
      RuleAction: entry.allow ? 'allow' : 'deny',
      Protocol: entry.protocol,
      CidrBlock: entry.cidr,
      ...(entry.ports !== undefined && { PortRange: { From: entry.ports.from, To: entry.ports.to } }),
    })),
    Associations: acl.associations.map(({ id, subnetId }) => ({
      NetworkAclAssociationId: id,
      NetworkAclId: acl.id,
      SubnetId: subnetId,
    })),
    Tags: tagSet(acl.tags),
  };
}
