import {
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcEndpointsCommand,
  type IpPermission,
  type SecurityGroup,
  type VpcEndpoint,
} from '@aws-sdk/client-ec2';
import { DescribeInstanceInformationCommand } from '@aws-sdk/client-ssm';
import type { Ec2Context } from './context.ts';
import { AGENT_SERVICES, tooOpen } from './endpoint-policy.ts';
import { call } from './errors.ts';
import { proveNoForeignInterfaces } from './foreign-interfaces.ts';
import { OVER } from './gateway-lines.ts';
import { isInsideSome } from './inside-cidr.ts';
import { present } from './narrow.ts';
import { readAclsOf, ruleText, type SubnetRole } from './network-lines.ts';
import { collect } from './pages.ts';
import type { Finding, IsolationLine } from './proof-line.ts';

/** Without these two no agent registers. */
const REQUIRED = ['ssm', 'ssmmessages'];
const HTTPS = 443;

/**
 * What a network of kind `endpoints-only` is asked instead of what a sealed one is asked by the same name: the endpoints
 * of Systems Manager are there and nothing else is, and whatever passes them is an agent of this account.
 */
export const ENDPOINT_LINES: readonly IsolationLine[] = [
  {
    name: 'dns-for-endpoints',
    remedy: 'Set enableDnsSupport and enableDnsHostnames of the network: agents find their endpoints by private names.',
    async read(context, { isolation: { vpcId } }, signal) {
      const support = await readDns(context, vpcId, 'enableDnsSupport', signal);
      const hostnames = await readDns(context, vpcId, 'enableDnsHostnames', signal);
      const word = (isOn: boolean) => (isOn ? 'on' : 'off');
      return {
        holds: support && hostnames,
        found: `name resolution in ${vpcId} is ${word(support)}, host names are ${word(hostnames)}`,
      };
    },
  },
  {
    name: 'security-group',
    remedy:
      "Leave the group one rule: TCP 443 out to the endpoints' group. A new group's rule that allows all counts too.",
    async read(context, { isolation }, signal) {
      const endpoints = await liveEndpoints(context, isolation.vpcId, signal);
      const [group] = await readGroups(context, [isolation.securityGroupId], signal);
      if (group?.VpcId !== isolation.vpcId)
        return {
          holds: false,
          found: `${isolation.securityGroupId} belongs to ${group?.VpcId}, not to ${isolation.vpcId}`,
        };
      const incoming = group.IpPermissions ?? [];
      const outgoing = group.IpPermissionsEgress ?? [];
      const excess = [...incoming, ...outgoing.filter((rule) => !isHttpsWith(rule, groupsOf(endpoints)))];
      if (excess.length > 0)
        return { holds: false, found: `${group.GroupId} allows ${excess.map(ruleText).join('; ')}` };
      if (outgoing.length === 0) return { holds: false, found: `${group.GroupId} lets nobody reach the endpoints` };
      return { holds: true, found: `${group.GroupId} allows TCP 443 to the endpoints and nothing else` };
    },
  },
  {
    name: 'foreign-interfaces',
    remedy: 'Remove other machines from the isolated network: it is for clones and their endpoints alone.',
    async read(context, { isolation }, signal) {
      const endpoints = await liveEndpoints(context, isolation.vpcId, signal);
      const doors = new Set(endpoints.flatMap(({ NetworkInterfaceIds }) => NetworkInterfaceIds ?? []));
      return proveNoForeignInterfaces(context, { vpcId: isolation.vpcId, doors }, signal);
    },
  },
  {
    name: 'network-endpoints',
    remedy:
      'Keep interface endpoints for ssm and ssmmessages with private names (ec2messages for old agents), no other.',
    read: async (context, { isolation }, signal) =>
      judgeEndpoints(await liveEndpoints(context, isolation.vpcId, signal)),
  },
  {
    name: 'endpoint-policies',
    remedy: "Give each endpoint the policy of docs/aws.md: this account's agents, and only what they call.",
    async read(context, { isolation }, signal) {
      const endpoints = await liveEndpoints(context, isolation.vpcId, signal);
      const open = endpoints.flatMap((endpoint) => {
        const id = present(endpoint.VpcEndpointId, 'VpcEndpointId', 'an endpoint');
        const account = present(endpoint.OwnerId, 'OwnerId', id);
        const why = tooOpen(endpoint.PolicyDocument ?? '', serviceOf(endpoint), account);
        return why === undefined ? [] : [`${id} (${serviceOf(endpoint)}): ${why}`];
      });
      if (open.length > 0) return { holds: false, found: open.join('; ') };
      return { holds: true, found: `${endpoints.length} policies let in agents of this account, to take commands` };
    },
  },
  {
    name: 'endpoint-groups',
    remedy: "Let the endpoints' group take TCP 443 from the isolated group and from nobody else.",
    async read(context, { isolation }, signal) {
      const ids = groupsOf(await liveEndpoints(context, isolation.vpcId, signal));
      const groups = ids.length === 0 ? [] : await readGroups(context, ids, signal);
      const excess = groups.flatMap(({ GroupId, IpPermissions }) =>
        (IpPermissions ?? [])
          .filter((rule) => !isHttpsWith(rule, [isolation.securityGroupId]))
          .map((rule) => `${GroupId}: ${ruleText(rule)}`),
      );
      if (excess.length > 0) return { holds: false, found: excess.join('; ') };
      return { holds: ids.length > 0, found: `the endpoints' groups: ${ids.join(', ') || 'none'}` };
    },
  },
  {
    name: 'run-command',
    remedy: 'Grant the control worker the statements of docs/aws.md for networks of kind endpoints-only.',
    async read({ clients }, { isolation }, signal) {
      const Filters = [{ Key: 'InstanceIds', Values: ['i-00000000000000000'] }];
      await call('DescribeInstanceInformation', signal, () =>
        clients.ssm.send(new DescribeInstanceInformationCommand({ Filters }), { abortSignal: signal }),
      );
      return { holds: true, found: `Systems Manager answers; machines get the profile ${isolation.instanceProfile}` };
    },
  },
];

/** The second lock on the same door: lists keep no state, so answers have to be let back in. */
export function endpointAclLine(role: SubnetRole): IsolationLine {
  return {
    name: role === 'clone' ? 'subnet-acl' : 'verify-subnet-acl',
    remedy: "Give the subnet an access list that allows TCP with the endpoints' subnets alone.",
    async read(context, { isolation }, signal) {
      const subnetId = role === 'clone' ? isolation.subnetId : isolation.verifySubnetId;
      const endpoints = await liveEndpoints(context, isolation.vpcId, signal);
      const cidrs = await cidrsOf(context, [...new Set(endpoints.flatMap(({ SubnetIds }) => SubnetIds ?? []))], signal);
      const acls = await readAclsOf(context, subnetId, signal);
      if (acls.length === 0) return { holds: false, found: `no access list of ${subnetId} was found` };
      const ids = acls.map(({ NetworkAclId }) => NetworkAclId).join(', ');
      const open = acls
        .flatMap(({ Entries }) => Entries ?? [])
        .filter(({ RuleAction, Protocol, CidrBlock }) => {
          const isTcpWithDoors = Protocol === '6' && CidrBlock !== undefined && isInsideSome(CidrBlock, cidrs);
          return RuleAction !== 'deny' && !isTcpWithDoors;
        });
      if (open.length === 0) return { holds: true, found: `${ids} allows TCP with the endpoints' subnets alone` };
      const rules = open.map(({ RuleNumber, Egress }) => `rule ${RuleNumber} (${Egress === true ? 'out' : 'in'})`);
      return { holds: false, found: `${ids} allows more: ${rules.join(', ')}` };
    },
  };
}

function judgeEndpoints(endpoints: readonly VpcEndpoint[]): Finding {
  const wrong = endpoints.flatMap((endpoint) => {
    const service = serviceOf(endpoint);
    const why = !AGENT_SERVICES.includes(service)
      ? `is for ${endpoint.ServiceName}`
      : endpoint.VpcEndpointType !== 'Interface' || endpoint.PrivateDnsEnabled !== true
        ? 'is no interface endpoint with a private name'
        : String(endpoint.State).toLowerCase() === 'available'
          ? undefined
          : `is ${endpoint.State}`;
    return why === undefined ? [] : [`${endpoint.VpcEndpointId} ${why}`];
  });
  const missing = REQUIRED.filter((service) => !endpoints.some((endpoint) => serviceOf(endpoint) === service));
  if (wrong.length + missing.length > 0)
    return { holds: false, found: [...wrong, ...missing.map((service) => `none for ${service}`)].join('; ') };
  return { holds: true, found: `endpoints for ${endpoints.map(serviceOf).sort().join(', ')} alone` };
}

/** `com.amazonaws.<region>.ssm`, whatever the partition calls itself: the last word, unless something else stands there. */
function serviceOf({ ServiceName }: VpcEndpoint): string {
  return /^(?:cn\.)?com\.amazonaws\.[a-z0-9-]+\.([a-z0-9]+)$/.exec(ServiceName ?? '')?.[1] ?? String(ServiceName);
}

function groupsOf(endpoints: readonly VpcEndpoint[]): string[] {
  return [...new Set(endpoints.flatMap(({ Groups }) => (Groups ?? []).flatMap(({ GroupId }) => GroupId ?? [])))];
}

/** With groups of this list by id, and with no address, no prefix list and no other port. */
function isHttpsWith(rule: IpPermission, groupIds: readonly string[]): boolean {
  const { IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs } = rule;
  const isHttps = IpProtocol === 'tcp' && FromPort === HTTPS && ToPort === HTTPS;
  const others = (IpRanges?.length ?? 0) + (Ipv6Ranges?.length ?? 0) + (PrefixListIds?.length ?? 0);
  return isHttps && others === 0 && (UserIdGroupPairs ?? []).every(({ GroupId }) => groupIds.includes(GroupId ?? ''));
}

async function liveEndpoints(
  { clients }: Ec2Context,
  vpcId: string,
  signal: AbortSignal,
): Promise<readonly VpcEndpoint[]> {
  const filters = [{ Name: 'vpc-id', Values: [vpcId] }];
  const all = await collect('DescribeVpcEndpoints', signal, async (NextToken) => {
    const page = await clients.ec2.send(new DescribeVpcEndpointsCommand({ Filters: filters, NextToken }), {
      abortSignal: signal,
    });
    return { items: page.VpcEndpoints ?? [], next: page.NextToken };
  });
  return all.filter(({ State }) => !OVER.includes(String(State ?? '').toLowerCase()));
}

async function readDns(
  { clients }: Ec2Context,
  vpcId: string,
  attribute: 'enableDnsSupport' | 'enableDnsHostnames',
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await call(`DescribeVpcAttribute ${vpcId}`, signal, () =>
    clients.ec2.send(new DescribeVpcAttributeCommand({ VpcId: vpcId, Attribute: attribute }), { abortSignal: signal }),
  );
  const found = attribute === 'enableDnsSupport' ? answer.EnableDnsSupport : answer.EnableDnsHostnames;
  return present(found?.Value, attribute, vpcId);
}

async function readGroups(
  { clients }: Ec2Context,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly SecurityGroup[]> {
  const answer = await call(`DescribeSecurityGroups ${ids.join(', ')}`, signal, () =>
    clients.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [...ids] }), { abortSignal: signal }),
  );
  return answer.SecurityGroups ?? [];
}

async function cidrsOf({ clients }: Ec2Context, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
  if (ids.length === 0) return [];
  const answer = await call(`DescribeSubnets ${ids.join(', ')}`, signal, () =>
    clients.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...ids] }), { abortSignal: signal }),
  );
  return (answer.Subnets ?? []).flatMap(({ CidrBlock }) => CidrBlock ?? []);
}
