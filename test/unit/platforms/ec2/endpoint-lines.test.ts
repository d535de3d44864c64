import { expect, test } from 'vitest';
import type { IsolationProfile } from '../../../../src/contract/resolved-backup.ts';
import type { Ec2Context } from '../../../../src/platforms/ec2/context.ts';
import { proveIsolation } from '../../../../src/platforms/ec2/isolation.ts';

const NEVER = new AbortController().signal;
const PROFILE: IsolationProfile = {
  name: 'commands',
  kind: 'endpoints-only',
  instanceProfile: 'agent',
  vpcId: 'vpc-1',
  subnetId: 'subnet-1',
  verifySubnetId: 'subnet-2',
  securityGroupId: 'sg-1',
  acceptNotChecked: ['resolver-rules', 'lattice-associations', 'dns-firewall', 'instance-role'],
  fallbackInstanceTypes: [],
};

const httpsWith = (GroupId: string) => ({
  IpProtocol: 'tcp',
  FromPort: 443,
  ToPort: 443,
  UserIdGroupPairs: [{ GroupId }],
});
const endpoint = (service: string, Action: string) => ({
  VpcEndpointId: `vpce-${service}`,
  VpcEndpointType: 'Interface',
  ServiceName: `com.amazonaws.eu-west-1.${service}`,
  State: 'available',
  OwnerId: '111111111111',
  PrivateDnsEnabled: true,
  Groups: [{ GroupId: 'sg-2' }],
  SubnetIds: ['subnet-3'],
  NetworkInterfaceIds: [`eni-${service}`],
  PolicyDocument: JSON.stringify({
    Statement: { Effect: 'Allow', Action, Condition: { StringEquals: { 'aws:PrincipalAccount': '111111111111' } } },
  }),
});
const entry = (Egress: boolean, CidrBlock: string, Protocol = '6') => ({
  Egress,
  CidrBlock,
  Protocol,
  RuleAction: 'allow',
  RuleNumber: 100,
});

/** What AWS says of a network that is right; each test changes one thing. */
function world() {
  return {
    dns: { enableDnsSupport: true, enableDnsHostnames: true } as Record<string, boolean>,
    endpoints: [endpoint('ssm', 'ssm:UpdateInstanceInformation'), endpoint('ssmmessages', 'ssmmessages:*')],
    groups: [
      { GroupId: 'sg-1', VpcId: 'vpc-1', IpPermissions: [], IpPermissionsEgress: [httpsWith('sg-2')] },
      { GroupId: 'sg-2', VpcId: 'vpc-1', IpPermissions: [httpsWith('sg-1')], IpPermissionsEgress: [] },
    ] as { GroupId: string; VpcId: string; IpPermissions: object[]; IpPermissionsEgress: object[] }[],
    interfaces: [{ NetworkInterfaceId: 'eni-ssm' }, { NetworkInterfaceId: 'eni-ssmmessages' }],
    entries: [entry(true, '10.0.3.0/28'), entry(false, '10.0.3.0/28')],
    gateways: [] as object[],
    nodes: () => ({ InstanceInformationList: [] }),
  };
}
type World = ReturnType<typeof world>;

function contextOf(state: World): Ec2Context {
  const answers: Record<string, (input: Record<string, unknown>) => object> = {
    DescribeInstancesCommand: () => ({
      Reservations: [{ OwnerId: '111111111111', Instances: [{ InstanceId: 'i-1', VpcId: 'vpc-9' }] }],
    }),
    DescribeVpcAttributeCommand: ({ Attribute }) =>
      Attribute === 'enableDnsSupport'
        ? { EnableDnsSupport: { Value: state.dns.enableDnsSupport } }
        : { EnableDnsHostnames: { Value: state.dns.enableDnsHostnames } },
    DescribeVpcEndpointsCommand: () => ({ VpcEndpoints: state.endpoints }),
    DescribeSecurityGroupsCommand: ({ GroupIds }) => ({
      SecurityGroups: state.groups.filter(({ GroupId }) => (GroupIds as string[]).includes(GroupId)),
    }),
    DescribeNetworkInterfacesCommand: () => ({ NetworkInterfaces: state.interfaces }),
    DescribeSubnetsCommand: ({ SubnetIds }) => ({
      Subnets: (SubnetIds as string[]).map((SubnetId) => ({ SubnetId, VpcId: 'vpc-1', CidrBlock: '10.0.3.0/28' })),
    }),
    DescribeRouteTablesCommand: () => ({ RouteTables: [{ RouteTableId: 'rtb-1', Routes: [{ GatewayId: 'local' }] }] }),
    DescribeNetworkAclsCommand: () => ({ NetworkAcls: [{ NetworkAclId: 'acl-1', Entries: state.entries }] }),
    DescribeInternetGatewaysCommand: () => ({ InternetGateways: state.gateways }),
    DescribeInstanceInformationCommand: () => state.nodes(),
  };
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }) =>
    answers[command.constructor.name]?.(command.input) ?? {};
  return {
    clients: { ec2: { send }, ssm: { send } },
    clock: () => new Date(0),
    sleep: () => Promise.resolve(),
  } as unknown as Ec2Context;
}

async function brokenIn(change: (state: World) => void) {
  const state = world();
  change(state);
  const request = { isolation: PROFILE, sourceId: 'i-1', role: 'clone' } as const;
  const checks = await proveIsolation(contextOf(state), request, NEVER);
  expect(checks.filter(({ verdict, remedy }) => verdict === 'broken' && !remedy)).toEqual([]);
  return checks.filter(({ verdict }) => verdict === 'broken' || verdict === 'not-checked').map(({ name }) => name);
}

test('a network with the endpoints of Systems Manager and nothing else holds every line', async () => {
  expect(await brokenIn(() => {})).toEqual([]);
});

test.each<[string, (state: World) => void, string[]]>([
  ['name resolution is off', (state) => Object.assign(state.dns, { enableDnsSupport: false }), ['dns-for-endpoints']],
  ['host names are off', (state) => Object.assign(state.dns, { enableDnsHostnames: false }), ['dns-for-endpoints']],
  [
    'an endpoint for S3 is there too',
    (state) => state.endpoints.push(endpoint('s3', 's3:*')),
    ['network-endpoints', 'endpoint-policies'],
  ],
  ['an endpoint is missing', (state) => void state.endpoints.pop(), ['foreign-interfaces', 'network-endpoints']],
  [
    'an endpoint has no private name',
    (state) => Object.assign(state.endpoints[0] ?? {}, { PrivateDnsEnabled: false }),
    ['network-endpoints'],
  ],
  [
    'an endpoint of the same service is a gateway',
    (state) => Object.assign(state.endpoints[0] ?? {}, { VpcEndpointType: 'Gateway' }),
    ['network-endpoints'],
  ],
  [
    'a policy lets parameters through',
    (state) => state.endpoints.splice(0, 1, endpoint('ssm', 'ssm:GetParameter')),
    ['endpoint-policies'],
  ],
  [
    "the endpoints' group takes others",
    (state) => state.groups[1]?.IpPermissions.push({ ...httpsWith('sg-9') }),
    ['endpoint-groups'],
  ],
  [
    'the group allows an address range',
    (state) =>
      state.groups[0]?.IpPermissionsEgress.push({ ...httpsWith('sg-2'), IpRanges: [{ CidrIp: '10.0.0.0/8' }] }),
    ['security-group'],
  ],
  [
    'the group allows another port',
    (state) => state.groups[0]?.IpPermissionsEgress.push({ ...httpsWith('sg-2'), ToPort: 444 }),
    ['security-group'],
  ],
  ['the group lets others in', (state) => state.groups[0]?.IpPermissions.push(httpsWith('sg-2')), ['security-group']],
  ['the group lets nobody out', (state) => state.groups[0]?.IpPermissionsEgress.pop(), ['security-group']],
  [
    'somebody else lives there',
    (state) => state.interfaces.push({ NetworkInterfaceId: 'eni-other' }),
    ['foreign-interfaces'],
  ],
  ['a list allows more addresses', (state) => state.entries.push(entry(true, '10.0.0.0/16')), ['subnet-acl']],
  ['a list allows more protocols', (state) => state.entries.push(entry(true, '10.0.3.0/28', '17')), ['subnet-acl']],
  ['a gateway is attached', (state) => state.gateways.push({ InternetGatewayId: 'igw-1' }), ['internet-gateways']],
  [
    'the worker may not use Systems Manager',
    (state) =>
      Object.assign(state, {
        nodes: () => {
          throw Object.assign(new Error('no'), { name: 'AccessDeniedException' });
        },
      }),
    ['run-command'],
  ],
])('when %s, that line refuses it', async (_, change, names) => {
  expect(await brokenIn(change)).toEqual(names);
});
