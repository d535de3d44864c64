import {
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupEgressCommand,
  CreateInternetGatewayCommand,
  CreateNetworkAclCommand,
  CreateNetworkAclEntryCommand,
  CreateRouteCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeNetworkAclsCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
  ReplaceNetworkAclAssociationCommand,
  RevokeSecurityGroupEgressCommand,
} from '@aws-sdk/client-ec2';
import { must } from '../../local/up/named.ts';
import type { IsolatedNetwork } from '../../local/up/networks.ts';
import { waitFor } from './wait-for.ts';

const ANYWHERE = '0.0.0.0/0';
const EVERYTHING = { IpProtocol: '-1', IpRanges: [{ CidrIp: ANYWHERE }] };
/** The cloud shows what was made after its describe lag. */
const VISIBLE_LIMIT_MS = 10_000;

/** An isolated network that may be opened later, beside the one that all other tests rely on. */
export interface SecondNetwork extends IsolatedNetwork {
  readonly aclId: string;
}

/** Sealed as the lab's own: no route, no names, a group and an access list that allow nothing. */
export async function makeSealedNetwork(ec2: EC2Client, zone: string): Promise<SecondNetwork> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.20.0.0/16' }));
  const vpcId = must(Vpc?.VpcId, 'VpcId');
  for (const attribute of ['EnableDnsHostnames', 'EnableDnsSupport'] as const) {
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, [attribute]: { Value: false } }));
  }
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: '10.20.1.0/24', AvailabilityZone: zone }),
  );
  const subnetId = must(Subnet?.SubnetId, 'SubnetId');
  const { GroupId } = await ec2.send(
    new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName: 'second', Description: 'allows nothing' }),
  );
  const securityGroupId = must(GroupId, 'GroupId');
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: securityGroupId, IpPermissions: [EVERYTHING] }));
  const aclId = await closeSubnet(ec2, vpcId, subnetId);
  return { vpcId, subnetId, verifySubnetId: subnetId, securityGroupId, aclId };
}

/** What an administrator's mistake would do: a gateway, a route to it, and everything allowed out and in. */
export async function openToInternet(ec2: EC2Client, network: SecondNetwork): Promise<void> {
  const { vpcId, securityGroupId, aclId } = network;
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const gatewayId = must(InternetGateway?.InternetGatewayId, 'InternetGatewayId');
  await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: vpcId }));
  const filters = [{ Name: 'vpc-id', Values: [vpcId] }];
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ Filters: filters }));
  const tableId = must(RouteTables[0]?.RouteTableId, 'RouteTableId');
  await ec2.send(
    new CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: ANYWHERE, GatewayId: gatewayId }),
  );
  await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: securityGroupId, IpPermissions: [EVERYTHING] }));
  for (const Egress of [true, false]) {
    await ec2.send(
      new CreateNetworkAclEntryCommand({
        NetworkAclId: aclId,
        RuleNumber: 100,
        Protocol: '-1',
        RuleAction: 'allow',
        CidrBlock: ANYWHERE,
        Egress,
      }),
    );
  }
}

async function closeSubnet(ec2: EC2Client, vpcId: string, subnetId: string): Promise<string> {
  const { NetworkAcl } = await ec2.send(new CreateNetworkAclCommand({ VpcId: vpcId }));
  const aclId = must(NetworkAcl?.NetworkAclId, 'NetworkAclId');
  const filters = [{ Name: 'association.subnet-id', Values: [subnetId] }];
  const associationId = await waitFor(
    async () => {
      const { NetworkAcls = [] } = await ec2.send(new DescribeNetworkAclsCommand({ Filters: filters }));
      return NetworkAcls[0]?.Associations?.find(({ SubnetId }) => SubnetId === subnetId)?.NetworkAclAssociationId;
    },
    { limitMs: VISIBLE_LIMIT_MS, what: `the access list of ${subnetId} is known` },
  );
  await ec2.send(new ReplaceNetworkAclAssociationCommand({ AssociationId: associationId, NetworkAclId: aclId }));
  return aclId;
}
