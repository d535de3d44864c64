import type { NetworkAcl } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, unsupported } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { AclEntry, NetworkAclRecord } from '../records.ts';
import { describe, require, tagSet } from './describe.ts';
import type { FilterTable } from './filters.ts';
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
};

export const aclOperations: Operations = {
  CreateNetworkAcl: operation(
    { VpcId: z.string(), TagSpecifications, ClientToken: z.string().optional() },
    (input, { cloud }) => {
      const { id: vpcId } = require(cloud.db.vpcs, 'vpc', input.VpcId);
      const tags = tagsFor(input.TagSpecifications, 'network-acl');
      const acl = { id: newId('acl'), createdAt: cloud.now(), tags, vpcId, isDefault: false };
      return {
        NetworkAcl: renderAcl(cloud.db.acls.put({ ...acl, entries: DENY_ALL_ENTRIES, associations: [] }), cloud),
      };
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
    },
    (input, { cloud }) => {
      const acl = require(cloud.db.acls, 'acl', input.NetworkAclId);
      // Forwarding is decided for a whole machine, so a list can only open or close everything.
      if (input.Protocol !== '-1' || input.CidrBlock !== '0.0.0.0/0')
        throw unsupported('network ACL entries for a part of the traffic');
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
        protocol: '-1',
        cidr: '0.0.0.0/0',
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
      cloud.db.acls.put({ ...source, associations: source.associations.filter(({ id }) => id !== moved.id) });
      const { associations } = require(cloud.db.acls, 'acl', target.id);
      cloud.db.acls.put({ ...target, associations: [...associations, association] });
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
        table: FILTERS,
        page: input,
      });
      return { NetworkAcls: items.map((acl) => renderAcl(acl, cloud)), NextToken };
    },
  ),
};

/** Whether the list of this subnet lets traffic through in this direction: its lowest rule decides. */
export function aclAllows({ db }: Cloud, subnet: string, egress: boolean): boolean {
  const acl = db.acls.all().find(({ associations }) => associations.some(({ subnetId }) => subnetId === subnet));
  const rules = (acl?.entries ?? []).filter((entry) => entry.egress === egress).sort((a, b) => a.number - b.number);
  return rules[0]?.allow ?? false;
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
    })),
    Associations: acl.associations.map(({ id, subnetId }) => ({
      NetworkAclAssociationId: id,
      NetworkAclId: acl.id,
      SubnetId: subnetId,
    })),
    Tags: tagSet(acl.tags),
  };
}
