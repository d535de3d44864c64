import { randomBytes } from 'node:crypto';

/** Prefixes of EC2 ids, with the error names that EC2 uses when one is malformed or unknown. */
export const ID_KINDS = {
  i: { kind: 'instance', malformed: 'InvalidInstanceID.Malformed', unknown: 'InvalidInstanceID.NotFound' },
  vol: { kind: 'volume', malformed: 'InvalidParameterValue', unknown: 'InvalidVolume.NotFound' },
  snap: { kind: 'snapshot', malformed: 'InvalidSnapshotID.Malformed', unknown: 'InvalidSnapshot.NotFound' },
  ami: { kind: 'image', malformed: 'InvalidAMIID.Malformed', unknown: 'InvalidAMIID.NotFound' },
  vpc: { kind: 'vpc', malformed: 'InvalidVpcID.Malformed', unknown: 'InvalidVpcID.NotFound' },
  subnet: { kind: 'subnet', malformed: 'InvalidSubnetID.Malformed', unknown: 'InvalidSubnetID.NotFound' },
  sg: { kind: 'security-group', malformed: 'InvalidGroupId.Malformed', unknown: 'InvalidGroup.NotFound' },
  igw: {
    kind: 'internet-gateway',
    malformed: 'InvalidInternetGatewayId.Malformed',
    unknown: 'InvalidInternetGatewayID.NotFound',
  },
  rtb: { kind: 'route-table', malformed: 'InvalidRouteTableId.Malformed', unknown: 'InvalidRouteTableID.NotFound' },
  acl: { kind: 'network-acl', malformed: 'InvalidNetworkAclId.Malformed', unknown: 'InvalidNetworkAclID.NotFound' },
  eni: {
    kind: 'network-interface',
    malformed: 'InvalidNetworkInterfaceId.Malformed',
    unknown: 'InvalidNetworkInterfaceID.NotFound',
  },
  vpce: {
    kind: 'vpc-endpoint',
    malformed: 'InvalidVpcEndpointId.Malformed',
    unknown: 'InvalidVpcEndpointId.NotFound',
  },
} as const;
export type IdPrefix = keyof typeof ID_KINDS;

/** EC2's long form: a prefix and 17 hexadecimal digits. */
export function newId(prefix: string): string {
  return `${prefix}-${randomBytes(9).toString('hex').slice(1)}`;
}

export function isWellFormed(prefix: string, id: string): boolean {
  return id.startsWith(`${prefix}-`) && /^([0-9a-f]{8}|[0-9a-f]{17})$/.test(id.slice(prefix.length + 1));
}
