import {
  DescribeNetworkAclsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  type IpPermission,
  type NetworkAcl,
  type RouteTable,
} from '@aws-sdk/client-ec2';
import type { Ec2Context } from './context.ts';
import { call } from './errors.ts';
import { proveNoForeignInterfaces } from './foreign-interfaces.ts';
import { present } from './narrow.ts';
import { collect } from './pages.ts';
import type { Finding, IsolationLine } from './proof-line.ts';

export type SubnetRole = 'clone' | 'verify';

export const NETWORK_LINES: readonly IsolationLine[] = [
  {
    name: 'network-apart',
    remedy: 'Use a network of its own: subnets of one network always reach each other.',
    async read(_context, { isolation, sourceNetworkId }) {
      const holds = isolation.vpcId !== sourceNetworkId;
      return {
        holds,
        found: holds
          ? `${isolation.vpcId} is not production's network`
          : `${isolation.vpcId} is production's own network`,
      };
    },
  },
  {
    name: 'dns-off',
    remedy: 'Set enableDnsSupport of the network to false: groups and routes do not stop name resolution.',
    async read({ clients }, { isolation: { vpcId } }, signal) {
      const answer = await call(`DescribeVpcAttribute ${vpcId}`, signal, () =>
        clients.ec2.send(new DescribeVpcAttributeCommand({ VpcId: vpcId, Attribute: 'enableDnsSupport' }), {
          abortSignal: signal,
        }),
      );
      const isOn = present(answer.EnableDnsSupport?.Value, 'EnableDnsSupport', vpcId);
      return { holds: !isOn, found: `name resolution in ${vpcId} is ${isOn ? 'on' : 'off'}` };
    },
  },
  {
    name: 'security-group',
    remedy: "Remove every rule of the group; a new group's rule that allows all outgoing traffic counts too.",
    read: readSecurityGroup,
  },
  {
    name: 'foreign-interfaces',
    remedy: 'Remove other machines from the isolated network: it is for clones alone.',
    read: (context, { isolation: { vpcId } }, signal) =>
      proveNoForeignInterfaces(context, { vpcId, doors: new Set() }, signal),
  },
];

async function readSecurityGroup(
  { clients }: Ec2Context,
  { isolation }: Parameters<IsolationLine['read']>[1],
  signal: AbortSignal,
): Promise<Finding> {
  const { securityGroupId, vpcId } = isolation;
  const answer = await call(`DescribeSecurityGroups ${securityGroupId}`, signal, () =>
    clients.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [securityGroupId] }), { abortSignal: signal }),
  );
  const group = present(
    answer.SecurityGroups?.find(({ GroupId }) => GroupId === securityGroupId),
    'description',
    securityGroupId,
  );
  if (group.VpcId !== vpcId)
    return { holds: false, found: `${securityGroupId} belongs to ${group.VpcId}, not to ${vpcId}` };
  const incoming = (group.IpPermissions ?? []).map(ruleText);
  const outgoing = (group.IpPermissionsEgress ?? []).map(ruleText);
  if (incoming.length + outgoing.length === 0)
    return { holds: true, found: `${securityGroupId} allows nothing in and nothing out` };
  const parts = [
    ...(incoming.length > 0 ? [`in: ${incoming.join(', ')}`] : []),
    ...(outgoing.length > 0 ? [`out: ${outgoing.join(', ')}`] : []),
  ];
  return { holds: false, found: `${securityGroupId} allows ${parts.join('; ')}` };
}

export function ruleText({
  IpProtocol,
  FromPort,
  ToPort,
  IpRanges,
  Ipv6Ranges,
  UserIdGroupPairs,
  PrefixListIds,
}: IpPermission): string {
  const ports =
    FromPort === undefined || FromPort === -1 ? '' : ` ${FromPort}${ToPort === FromPort ? '' : `-${ToPort}`}`;
  const peers = [
    ...(IpRanges ?? []).map(({ CidrIp }) => CidrIp),
    ...(Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
    ...(UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId),
    ...(PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId),
  ];
  return `${IpProtocol === '-1' ? 'everything' : IpProtocol}${ports} with ${peers.join(' ') || 'nobody'}`;
}

/** The same lines for both subnets; those of the verification subnet carry its name. */
export function subnetLines(role: SubnetRole): readonly IsolationLine[] {
  const prefix = role === 'clone' ? '' : 'verify-';
  const idOf = ({ isolation }: Parameters<IsolationLine['read']>[1]) =>
    role === 'clone' ? isolation.subnetId : isolation.verifySubnetId;
  return [
    {
      name: `${prefix}subnet`,
      remedy: 'Turn off public and IPv6 addresses of the subnet, and take one that lies in the isolated network.',
      read: (context, network, signal) =>
        readSubnet(context, { subnetId: idOf(network), vpcId: network.isolation.vpcId }, signal),
    },
    {
      name: `${prefix}subnet-routes`,
      remedy: "Remove every route but the local one from the subnet's route table, or give it a table of its own.",
      read: (context, network, signal) =>
        readRoutes(context, { subnetId: idOf(network), vpcId: network.isolation.vpcId }, signal),
    },
    {
      name: `${prefix}subnet-acl`,
      remedy: 'Give the subnet an access list of its own that allows nothing: it still holds when a group is changed.',
      read: (context, network, signal) => readAcl(context, idOf(network), signal),
    },
  ];
}

interface SubnetInNetwork {
  readonly subnetId: string;
  readonly vpcId: string;
}

async function readSubnet(
  { clients }: Ec2Context,
  { subnetId, vpcId }: SubnetInNetwork,
  signal: AbortSignal,
): Promise<Finding> {
  const answer = await call(`DescribeSubnets ${subnetId}`, signal, () =>
    clients.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }), { abortSignal: signal }),
  );
  const subnet = present(
    answer.Subnets?.find(({ SubnetId }) => SubnetId === subnetId),
    'description',
    subnetId,
  );
  if (subnet.VpcId !== vpcId) return { holds: false, found: `${subnetId} belongs to ${subnet.VpcId}, not to ${vpcId}` };
  if (subnet.MapPublicIpOnLaunch === true) return { holds: false, found: `${subnetId} gives public addresses` };
  if (subnet.AssignIpv6AddressOnCreation === true) return { holds: false, found: `${subnetId} gives IPv6 addresses` };
  return { holds: true, found: `${subnetId} (${subnet.CidrBlock}) gives no public address` };
}

async function readRoutes(
  { clients }: Ec2Context,
  { subnetId, vpcId }: SubnetInNetwork,
  signal: AbortSignal,
): Promise<Finding> {
  const tables = (filters: { Name: string; Values: string[] }[]) =>
    collect('DescribeRouteTables', signal, async (NextToken) => {
      const page = await clients.ec2.send(new DescribeRouteTablesCommand({ Filters: filters, NextToken }), {
        abortSignal: signal,
      });
      return { items: page.RouteTables ?? [], next: page.NextToken };
    });
  const own = await tables([{ Name: 'association.subnet-id', Values: [subnetId] }]);
  // A subnet without a table of its own uses the network's main one.
  const used =
    own.length > 0
      ? own
      : await tables([
          { Name: 'vpc-id', Values: [vpcId] },
          { Name: 'association.main', Values: ['true'] },
        ]);
  if (used.length === 0) return { holds: false, found: `no route table of ${subnetId} was found` };
  const open = used.flatMap(openRoutes);
  const ids = used.map(({ RouteTableId }) => RouteTableId).join(', ');
  return open.length === 0
    ? { holds: true, found: `${ids} has only the local route` }
    : { holds: false, found: `${ids} routes ${open.join(', ')}` };
}

function openRoutes({ Routes }: RouteTable): string[] {
  return (Routes ?? [])
    .filter(({ GatewayId }) => GatewayId !== 'local')
    .map((route) => {
      const to =
        route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? route.DestinationPrefixListId ?? 'somewhere';
      const through =
        route.GatewayId ??
        route.NatGatewayId ??
        route.TransitGatewayId ??
        route.VpcPeeringConnectionId ??
        route.EgressOnlyInternetGatewayId ??
        route.NetworkInterfaceId ??
        route.CarrierGatewayId ??
        'an unnamed target';
      return `${to} to ${through}`;
    });
}

/** The rule that every list ends with is a denial; a sealed subnet's list has no other that allows. */
async function readAcl(context: Ec2Context, subnetId: string, signal: AbortSignal): Promise<Finding> {
  const found = await readAclsOf(context, subnetId, signal);
  if (found.length === 0) return { holds: false, found: `no access list of ${subnetId} was found` };
  const ids = found.map(({ NetworkAclId }) => NetworkAclId).join(', ');
  const open = found.flatMap(({ Entries }) => (Entries ?? []).filter(({ RuleAction }) => RuleAction !== 'deny'));
  if (open.length === 0) return { holds: true, found: `${ids} allows nothing` };
  const rules = open.map(({ RuleNumber, Egress }) => `rule ${RuleNumber} (${Egress === true ? 'out' : 'in'})`);
  return { holds: false, found: `${ids} allows ${rules.join(', ')}` };
}

export async function readAclsOf(
  { clients }: Ec2Context,
  subnetId: string,
  signal: AbortSignal,
): Promise<readonly NetworkAcl[]> {
  const filters = [{ Name: 'association.subnet-id', Values: [subnetId] }];
  return collect('DescribeNetworkAcls', signal, async (NextToken) => {
    const page = await clients.ec2.send(new DescribeNetworkAclsCommand({ Filters: filters, NextToken }), {
      abortSignal: signal,
    });
    return { items: page.NetworkAcls ?? [], next: page.NextToken };
  });
}
