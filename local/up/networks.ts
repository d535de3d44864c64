import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateNetworkAclCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkAclsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type EC2Client,
  ModifyVpcAttributeCommand,
  ReplaceNetworkAclAssociationCommand,
  RevokeSecurityGroupEgressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { byName, must, named } from './named.ts';
import { waitUntil } from './wait-until.ts';

// The same range twice, as whoever isolates a copy of a network does it: a clone can keep its address.
const VPC_CIDR = '10.20.0.0/16';
const MAIN_CIDR = '10.20.1.0/24';
const VERIFY_CIDR = '10.20.2.0/24';
const ANYWHERE = '0.0.0.0/0';
/** AWS is eventually consistent; seconds are usual. */
const VISIBLE_LIMIT_MS = 30_000;
const APPLICATION_PORTS = [5432, 6379] as const;

export interface ProductionNetwork {
  readonly subnetId: string;
  readonly securityGroupId: string;
}

export interface IsolatedNetwork {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly verifySubnetId: string;
  readonly securityGroupId: string;
}

/** A network with a way to the internet and the applications' ports open. */
export async function ensureProductionNetwork(ec2: EC2Client, zone: string): Promise<ProductionNetwork> {
  const vpcId = await ensureVpc(ec2, 'production');
  const subnetId = await ensureSubnet(ec2, { name: 'production', vpcId, cidr: MAIN_CIDR, zone });
  const gatewayId = await ensureGateway(ec2, 'production', vpcId);
  await ensureRouteTo(ec2, { name: 'production', vpcId, subnetId, gatewayId });
  const securityGroupId = await ensureGroup(ec2, 'production', vpcId);
  await ensureOpenPorts(ec2, securityGroupId);
  return { subnetId, securityGroupId };
}

/** A network that leads nowhere: local routes, no names, a group and an access list that allow nothing. */
export async function ensureIsolatedNetwork(ec2: EC2Client, zone: string): Promise<IsolatedNetwork> {
  const vpcId = await ensureVpc(ec2, 'isolated');
  for (const attribute of ['EnableDnsHostnames', 'EnableDnsSupport'] as const) {
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, [attribute]: { Value: false } }));
  }
  const subnetId = await ensureSubnet(ec2, { name: 'sealed', vpcId, cidr: MAIN_CIDR, zone });
  const verifySubnetId = await ensureSubnet(ec2, { name: 'verify', vpcId, cidr: VERIFY_CIDR, zone });
  await ensureClosedAcl(ec2, 'sealed', vpcId, [subnetId, verifySubnetId]);
  const securityGroupId = await ensureGroup(ec2, 'quarantine', vpcId);
  await ensureNoEgress(ec2, securityGroupId);
  return { vpcId, subnetId, verifySubnetId, securityGroupId };
}

async function ensureVpc(ec2: EC2Client, name: string): Promise<string> {
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({ Filters: byName(name) }));
  if (Vpcs[0]) return must(Vpcs[0].VpcId, 'VpcId');
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: VPC_CIDR, TagSpecifications: named('vpc', name) }));
  return must(Vpc?.VpcId, 'VpcId');
}

interface SubnetWish {
  readonly name: string;
  readonly vpcId: string;
  readonly cidr: string;
  readonly zone: string;
}

async function ensureSubnet(ec2: EC2Client, { name, vpcId, cidr, zone }: SubnetWish): Promise<string> {
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters: byName(name) }));
  if (Subnets[0]) return must(Subnets[0].SubnetId, 'SubnetId');
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({
      VpcId: vpcId,
      CidrBlock: cidr,
      AvailabilityZone: zone,
      TagSpecifications: named('subnet', name),
    }),
  );
  return must(Subnet?.SubnetId, 'SubnetId');
}

async function ensureGateway(ec2: EC2Client, name: string, vpcId: string): Promise<string> {
  const { InternetGateways = [] } = await ec2.send(new DescribeInternetGatewaysCommand({ Filters: byName(name) }));
  const found =
    InternetGateways[0] ??
    (await ec2.send(new CreateInternetGatewayCommand({ TagSpecifications: named('internet-gateway', name) })))
      .InternetGateway;
  const gatewayId = must(found?.InternetGatewayId, 'InternetGatewayId');
  if ((found?.Attachments ?? []).length === 0) {
    await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: vpcId }));
  }
  return gatewayId;
}

interface RouteWish {
  readonly name: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly gatewayId: string;
}

async function ensureRouteTo(ec2: EC2Client, { name, vpcId, subnetId, gatewayId }: RouteWish): Promise<void> {
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ Filters: byName(name) }));
  const table =
    RouteTables[0] ??
    (await ec2.send(new CreateRouteTableCommand({ VpcId: vpcId, TagSpecifications: named('route-table', name) })))
      .RouteTable;
  const tableId = must(table?.RouteTableId, 'RouteTableId');
  if (!(table?.Routes ?? []).some(({ GatewayId }) => GatewayId === gatewayId)) {
    await ec2.send(
      new CreateRouteCommand({ RouteTableId: tableId, DestinationCidrBlock: ANYWHERE, GatewayId: gatewayId }),
    );
  }
  if (!(table?.Associations ?? []).some(({ SubnetId }) => SubnetId === subnetId)) {
    await ec2.send(new AssociateRouteTableCommand({ RouteTableId: tableId, SubnetId: subnetId }));
  }
}

async function ensureGroup(ec2: EC2Client, name: string, vpcId: string): Promise<string> {
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: byName(name) }));
  if (SecurityGroups[0]) return must(SecurityGroups[0].GroupId, 'GroupId');
  const { GroupId } = await ec2.send(
    new CreateSecurityGroupCommand({
      GroupName: name,
      Description: `understudy local cloud: ${name}`,
      VpcId: vpcId,
      TagSpecifications: named('security-group', name),
    }),
  );
  return must(GroupId, 'GroupId');
}

/** A group that was just created may not be described yet, as on AWS. */
function readGroup(ec2: EC2Client, groupId: string): Promise<SecurityGroup> {
  return waitUntil(
    async () => (await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [groupId] }))).SecurityGroups?.[0],
    { what: `${groupId} can be described`, limitMs: VISIBLE_LIMIT_MS },
  );
}

async function ensureOpenPorts(ec2: EC2Client, groupId: string): Promise<void> {
  const { IpPermissions = [] } = await readGroup(ec2, groupId);
  const missing = APPLICATION_PORTS.filter((port) => !IpPermissions.some(({ FromPort }) => FromPort === port));
  if (missing.length === 0) return;
  await ec2.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: groupId,
      IpPermissions: missing.map((port) => ({
        IpProtocol: 'tcp',
        FromPort: port,
        ToPort: port,
        IpRanges: [{ CidrIp: ANYWHERE }],
      })),
    }),
  );
}

/** A new group allows everything out, which is what isolation forgets most often. */
async function ensureNoEgress(ec2: EC2Client, groupId: string): Promise<void> {
  const { IpPermissionsEgress = [] } = await readGroup(ec2, groupId);
  if (IpPermissionsEgress.length === 0) return;
  await ec2.send(
    new RevokeSecurityGroupEgressCommand({ GroupId: groupId, IpPermissions: IpPermissionsEgress.map(withoutEmpty) }),
  );
}

/** Describe answers empty lists, which Revoke would match literally. */
function withoutEmpty<T extends object>(permission: T): T {
  return Object.fromEntries(
    Object.entries(permission).filter(([, value]) => !Array.isArray(value) || value.length > 0),
  ) as T;
}

/** A list of one's own denies everything until something is allowed. */
async function ensureClosedAcl(
  ec2: EC2Client,
  name: string,
  vpcId: string,
  subnetIds: readonly string[],
): Promise<void> {
  const { NetworkAcls: ours = [] } = await ec2.send(new DescribeNetworkAclsCommand({ Filters: byName(name) }));
  const acl =
    ours[0] ??
    (await ec2.send(new CreateNetworkAclCommand({ VpcId: vpcId, TagSpecifications: named('network-acl', name) })))
      .NetworkAcl;
  const aclId = must(acl?.NetworkAclId, 'NetworkAclId');
  for (const { SubnetId, NetworkAclAssociationId } of await readAssociations(ec2, subnetIds, aclId)) {
    if (SubnetId === undefined || !subnetIds.includes(SubnetId)) continue;
    await ec2.send(
      new ReplaceNetworkAclAssociationCommand({ AssociationId: NetworkAclAssociationId, NetworkAclId: aclId }),
    );
  }
}

/** Associations of the subnets with other lists; every subnet has one from its creation on, visible a little later. */
function readAssociations(ec2: EC2Client, subnetIds: readonly string[], exceptAclId: string) {
  const filters = [{ Name: 'association.subnet-id', Values: [...subnetIds] }];
  return waitUntil(
    async () => {
      const { NetworkAcls = [] } = await ec2.send(new DescribeNetworkAclsCommand({ Filters: filters }));
      const all = NetworkAcls.flatMap(({ Associations = [] }) => Associations);
      if (!subnetIds.every((id) => all.some(({ SubnetId }) => SubnetId === id))) return undefined;
      return all.filter(({ NetworkAclId }) => NetworkAclId !== exceptAclId);
    },
    { what: `the access lists of ${subnetIds.join(' and ')} are known`, limitMs: VISIBLE_LIMIT_MS },
  );
}
