import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkAclEntryCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import { must } from '../../local/up/named.ts';
import { makeSealedNetwork, type SecondNetwork } from './second-network.ts';
import { waitFor } from './wait-for.ts';

const DOORS_CIDR = '10.20.32.0/28';
const ACCOUNT = '000000000000';
const AVAILABLE_LIMIT_MS = 10_000;

/** A network whose machines reach the endpoints of Systems Manager and nothing else (docs/aws.md). */
export interface EndpointNetwork extends SecondNetwork {
  readonly doorSubnetId: string;
  readonly doorGroupId: string;
}

/** Everything but the endpoints themselves. */
export async function prepareEndpointNetwork(ec2: EC2Client, zone: string): Promise<EndpointNetwork> {
  const network = await makeSealedNetwork(ec2, zone);
  const { vpcId, securityGroupId, aclId } = network;
  for (const attribute of ['EnableDnsSupport', 'EnableDnsHostnames'] as const) {
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, [attribute]: { Value: true } }));
  }
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: DOORS_CIDR, AvailabilityZone: zone }),
  );
  const group = { VpcId: vpcId, GroupName: 'doors', Description: 'https from isolated machines' };
  const doorGroupId = must((await ec2.send(new CreateSecurityGroupCommand(group))).GroupId, 'GroupId');
  const https = (GroupId: string) => [
    { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, UserIdGroupPairs: [{ GroupId }] },
  ];
  await ec2.send(
    new AuthorizeSecurityGroupIngressCommand({ GroupId: doorGroupId, IpPermissions: https(securityGroupId) }),
  );
  await ec2.send(
    new AuthorizeSecurityGroupEgressCommand({ GroupId: securityGroupId, IpPermissions: https(doorGroupId) }),
  );
  for (const [Egress, From, To] of [
    [true, 443, 443],
    [false, 1024, 65_535],
  ] as const) {
    await ec2.send(
      new CreateNetworkAclEntryCommand({
        NetworkAclId: aclId,
        RuleNumber: 100,
        Protocol: '6',
        RuleAction: 'allow',
        CidrBlock: DOORS_CIDR,
        PortRange: { From, To },
        Egress,
      }),
    );
  }
  return { ...network, doorSubnetId: must(Subnet?.SubnetId, 'SubnetId'), doorGroupId };
}

/** Both endpoints; without a policy of their own they let through everything, as AWS makes them. */
export async function putEndpoints(
  ec2: EC2Client,
  network: EndpointNetwork,
  policies: 'open' | 'narrow',
): Promise<void> {
  const filters = [{ Name: 'vpc-id', Values: [network.vpcId] }];
  const { VpcEndpoints: before = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: filters }));
  const ids = before.flatMap(({ VpcEndpointId }) => VpcEndpointId ?? []);
  if (ids.length > 0) await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: ids }));
  for (const [service, action] of [
    ['ssm', 'ssm:UpdateInstanceInformation'],
    ['ssmmessages', 'ssmmessages:*'],
  ] as const) {
    await ec2.send(
      new CreateVpcEndpointCommand({
        VpcEndpointType: 'Interface',
        VpcId: network.vpcId,
        ServiceName: `com.amazonaws.local-1.${service}`,
        SubnetIds: [network.doorSubnetId],
        SecurityGroupIds: [network.doorGroupId],
        PrivateDnsEnabled: true,
        ...(policies === 'narrow' && { PolicyDocument: narrowPolicy(action) }),
      }),
    );
  }
  await waitFor(
    async () => {
      const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters: filters }));
      return VpcEndpoints.filter(({ State }) => String(State) === 'available').length === 2 ? true : undefined;
    },
    { limitMs: AVAILABLE_LIMIT_MS, what: 'both endpoints are available' },
  );
}

function narrowPolicy(action: string): string {
  const Condition = { StringEquals: { 'aws:PrincipalAccount': ACCOUNT } };
  return JSON.stringify({
    Statement: [{ Effect: 'Allow', Principal: '*', Resource: '*', Action: action, Condition }],
  });
}
