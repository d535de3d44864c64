import { isIPv6 } from 'node:net';
import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError, invalidValue } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { GroupRule, SecurityGroupRecord } from '../records.ts';
import { parseCidr } from './cidr.ts';
import { describe, require, tagSet } from './describe.ts';
import { type FilterTable, noneHas, ownedBy } from './filters.ts';
import { type Call, FilterList, type Operations, operation, PAGED } from './operation.ts';
import { TagSpecifications, tagsFor } from './tag-specifications.ts';

export const OPEN_RULE: GroupRule = { protocol: '-1', cidrs: [{ cidr: '0.0.0.0/0' }], cidrs6: [], groups: [] };

/** By name or number; the numbers of TCP and UDP are 6 and 17. */
const PORT_PROTOCOLS = ['tcp', '6', 'udp', '17'];
const PROTOCOLS = [...PORT_PROTOCOLS, 'icmp', 'icmpv6', '-1', 'all'];

const Described = { Description: z.string().optional() };
const Permission = z.strictObject({
  IpProtocol: z.string(),
  FromPort: z.int().optional(),
  ToPort: z.int().optional(),
  IpRanges: z.array(z.strictObject({ CidrIp: z.string(), ...Described })).optional(),
  Ipv6Ranges: z.array(z.strictObject({ CidrIpv6: z.string(), ...Described })).optional(),
  UserIdGroupPairs: z
    .array(z.strictObject({ GroupId: z.string(), UserId: z.string().optional(), ...Described }))
    .optional(),
  PrefixListIds: z.array(z.never()).optional(),
});
const RULES = {
  GroupId: z.string(),
  IpPermissions: z.array(Permission).min(1).optional(),
  // The older form of one rule, without a list around it.
  IpProtocol: z.string().optional(),
  FromPort: z.int().optional(),
  ToPort: z.int().optional(),
  CidrIp: z.string().optional(),
};

function filters({ db, settings }: Cloud): FilterTable<SecurityGroupRecord> {
  const rules = (prefix: string, direction: Direction): FilterTable<SecurityGroupRecord> => {
    const named = (group: SecurityGroupRecord) => group[direction].flatMap((rule) => rule.groups);
    return {
      [`${prefix}.cidr`]: (group) => group[direction].flatMap(({ cidrs }) => cidrs.map(({ cidr }) => cidr)),
      [`${prefix}.from-port`]: (group) => group[direction].map(({ fromPort }) => fromPort),
      [`${prefix}.group-id`]: (group) => named(group).map(({ groupId }) => groupId),
      [`${prefix}.group-name`]: (group) => named(group).map(({ groupId }) => db.groups.get(groupId)?.name),
      [`${prefix}.ipv6-cidr`]: (group) => group[direction].flatMap(({ cidrs6 }) => cidrs6.map(({ cidr }) => cidr)),
      [`${prefix}.protocol`]: (group) => group[direction].map(({ protocol }) => protocol),
      [`${prefix}.to-port`]: (group) => group[direction].map(({ toPort }) => toPort),
      [`${prefix}.user-id`]: (group) => named(group).map(() => settings.accountId),
      ...noneHas(`${prefix}.prefix-list-id`),
    };
  };
  return {
    description: ({ description }) => [description],
    ...rules('egress.ip-permission', 'egress'),
    'group-id': ({ id }) => [id],
    'group-name': ({ name }) => [name],
    ...rules('ip-permission', 'ingress'),
    ...ownedBy(settings.accountId),
    'vpc-id': ({ vpcId }) => [vpcId],
  };
}

type Direction = 'ingress' | 'egress';
type RuleInput = z.output<z.ZodObject<typeof RULES>>;

export const securityGroupOperations: Operations = {
  CreateSecurityGroup: operation(
    { GroupName: z.string().min(1), Description: z.string().min(1), VpcId: z.string(), TagSpecifications },
    (input, { cloud }) => {
      const { id: vpcId } = require(cloud.db.vpcs, 'vpc', input.VpcId);
      if (cloud.db.groups.all().some((group) => group.vpcId === vpcId && group.name === input.GroupName)) {
        throw new CloudError(
          'InvalidGroup.Duplicate',
          `The security group '${input.GroupName}' already exists for VPC '${vpcId}'`,
        );
      }
      const tags = tagsFor(input.TagSpecifications, 'security-group');
      const names = { name: input.GroupName, description: input.Description };
      const id = newId('sg');
      cloud.db.groups.put({ id, createdAt: cloud.now(), tags, vpcId, ...names, ingress: [], egress: [OPEN_RULE] });
      return { GroupId: id, Tags: tagSet(tags) };
    },
  ),

  DeleteSecurityGroup: operation({ GroupId: z.string() }, (input, { cloud }) => {
    const { id, name } = require(cloud.db.groups, 'sg', input.GroupId);
    if (name === 'default')
      throw new CloudError(
        'CannotDelete',
        'the specified group: "default" name: "default" cannot be deleted by a user',
      );
    if (cloud.db.interfaces.all().some(({ groupIds }) => groupIds.includes(id))) {
      throw new CloudError('DependencyViolation', `resource ${id} has a dependent object`);
    }
    cloud.db.groups.remove(id);
    return { Return: true, GroupId: id };
  }),

  AuthorizeSecurityGroupIngress: operation(RULES, (input, call) => authorize('ingress', input, call)),
  AuthorizeSecurityGroupEgress: operation(RULES, (input, call) => authorize('egress', input, call)),
  RevokeSecurityGroupIngress: operation(RULES, (input, call) => revoke('ingress', input, call)),
  RevokeSecurityGroupEgress: operation(RULES, (input, call) => revoke('egress', input, call)),

  DescribeSecurityGroups: operation(
    { GroupIds: z.array(z.string()).optional(), Filters: FilterList, ...PAGED },
    (input, { cloud }) => {
      const { items, NextToken } = describe({
        cloud,
        prefix: 'sg',
        records: cloud.db.groups.all(),
        ids: input.GroupIds,
        filters: input.Filters,
        table: filters(cloud),
        page: input,
      });
      return { SecurityGroups: items.map((group) => renderGroup(group, cloud)), NextToken };
    },
  ),
};

function authorize(direction: Direction, input: RuleInput, { cloud }: Call) {
  const group = require(cloud.db.groups, 'sg', input.GroupId);
  const permissions = permissionsOf(input);
  for (const permission of permissions) checkPermission(permission);
  const added = permissions.map(readRule);
  const atoms = group[direction].flatMap(splitRule).map((rule) => JSON.stringify(rule));
  for (const rule of added.flatMap(splitRule)) {
    if (atoms.includes(JSON.stringify(rule)))
      throw new CloudError('InvalidPermission.Duplicate', 'the specified rule already exists');
    for (const { groupId } of rule.groups) require(cloud.db.groups, 'sg', groupId);
  }
  cloud.db.groups.put({ ...group, [direction]: [...group[direction], ...added] });
  return { Return: true };
}

function permissionsOf({ IpPermissions, IpProtocol, FromPort, ToPort, CidrIp }: RuleInput) {
  const inList = IpPermissions !== undefined;
  if (inList && (IpProtocol ?? FromPort ?? ToPort ?? CidrIp) !== undefined)
    throw new CloudError(
      'InvalidParameterCombination',
      'A list of rules and a rule without it cannot be used together',
    );
  if (inList) return IpPermissions;
  if (IpProtocol === undefined || CidrIp === undefined)
    throw new CloudError('MissingParameter', 'The request must contain the parameter ipPermissions');
  return [{ IpProtocol, FromPort, ToPort, IpRanges: [{ CidrIp }] }];
}

function checkPermission({ IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges }: z.output<typeof Permission>): void {
  for (const { CidrIp } of IpRanges ?? []) parseCidr(CidrIp);
  for (const { CidrIpv6 } of Ipv6Ranges ?? []) {
    const [address = '', prefix = ''] = CidrIpv6.split('/');
    if (!isIPv6(address) || !/^\d{1,3}$/.test(prefix) || Number(prefix) > 128) throw invalidValue('CidrIpv6', CidrIpv6);
  }
  const protocol = IpProtocol.toLowerCase();
  const isNumber = /^\d{1,3}$/.test(protocol) && Number(protocol) <= 255;
  if (!isNumber && !PROTOCOLS.includes(protocol)) throw invalidValue('IpProtocol', IpProtocol);
  if (!PORT_PROTOCOLS.includes(protocol)) return; // ICMP has types in their place; for the others they say nothing
  const isPort = (port: number | undefined) => port !== undefined && port >= 0 && port <= 65_535;
  if (!isPort(FromPort) || !isPort(ToPort) || Number(FromPort) > Number(ToPort))
    throw invalidValue('portRange', `${FromPort}-${ToPort}`, 'is invalid. TCP and UDP take a range of ports');
}

function revoke(direction: Direction, input: RuleInput, { cloud }: Call) {
  const group = require(cloud.db.groups, 'sg', input.GroupId);
  let atoms = group[direction].flatMap(splitRule);
  for (const rule of permissionsOf(input).map(readRule).flatMap(splitRule)) {
    const rest = atoms.filter((atom) => withoutNotes(atom) !== withoutNotes(rule));
    if (rest.length === atoms.length)
      throw new CloudError('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.');
    atoms = rest;
  }
  cloud.db.groups.put({ ...group, [direction]: atoms });
  return { Return: true };
}

function readRule(permission: z.output<typeof Permission>): GroupRule {
  const note = (description: string | undefined) => (description === undefined ? {} : { description });
  return {
    protocol: permission.IpProtocol === 'all' ? '-1' : permission.IpProtocol,
    ...(permission.FromPort !== undefined && permission.IpProtocol !== '-1' && { fromPort: permission.FromPort }),
    ...(permission.ToPort !== undefined && permission.IpProtocol !== '-1' && { toPort: permission.ToPort }),
    cidrs: (permission.IpRanges ?? []).map(({ CidrIp, Description }) => ({ cidr: CidrIp, ...note(Description) })),
    cidrs6: (permission.Ipv6Ranges ?? []).map(({ CidrIpv6, Description }) => ({
      cidr: CidrIpv6,
      ...note(Description),
    })),
    groups: (permission.UserIdGroupPairs ?? []).map(({ GroupId, Description }) => ({
      groupId: GroupId,
      ...note(Description),
    })),
  };
}

/** One rule per source: what EC2 compares and removes. */
function splitRule(rule: GroupRule): GroupRule[] {
  const bare = { ...rule, cidrs: [], cidrs6: [], groups: [] };
  return [
    ...rule.cidrs.map((cidr) => ({ ...bare, cidrs: [cidr] })),
    ...rule.cidrs6.map((cidr) => ({ ...bare, cidrs6: [cidr] })),
    ...rule.groups.map((group) => ({ ...bare, groups: [group] })),
  ];
}

function withoutNotes(rule: GroupRule): string {
  return JSON.stringify(rule, (key, value: unknown) => (key === 'description' ? undefined : value));
}

function renderGroup(group: SecurityGroupRecord, { settings }: Cloud): SecurityGroup {
  return {
    GroupId: group.id,
    GroupName: group.name,
    Description: group.description,
    VpcId: group.vpcId,
    OwnerId: settings.accountId,
    IpPermissions: group.ingress.map((rule) => renderRule(rule, settings.accountId)),
    IpPermissionsEgress: group.egress.map((rule) => renderRule(rule, settings.accountId)),
    Tags: tagSet(group.tags),
  };
}

function renderRule(rule: GroupRule, accountId: string): IpPermission {
  const note = (description: string | undefined) => (description === undefined ? {} : { Description: description });
  return {
    IpProtocol: rule.protocol,
    ...(rule.fromPort !== undefined && { FromPort: rule.fromPort }),
    ...(rule.toPort !== undefined && { ToPort: rule.toPort }),
    IpRanges: rule.cidrs.map(({ cidr, description }) => ({ CidrIp: cidr, ...note(description) })),
    Ipv6Ranges: rule.cidrs6.map(({ cidr, description }) => ({ CidrIpv6: cidr, ...note(description) })),
    UserIdGroupPairs: rule.groups.map(({ groupId, description }) => ({
      GroupId: groupId,
      UserId: accountId,
      ...note(description),
    })),
    PrefixListIds: [],
  };
}
