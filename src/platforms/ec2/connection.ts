import type { Instance } from '@aws-sdk/client-ec2';
import type { Check } from '../../contract/check.ts';
import type { IsolationProfile } from '../../contract/resolved-backup.ts';

export interface ExpectedConnection {
  readonly subnetId: string;
  readonly securityGroupId: string;
  /** By name, the only one that the machine may have; undefined: none. */
  readonly instanceProfile: string | undefined;
}

/** How a machine of this role must be connected. */
export function expectedConnection(isolation: IsolationProfile, role: 'clone' | 'verify'): ExpectedConnection {
  const { securityGroupId, instanceProfile } = isolation;
  const subnetId = role === 'clone' ? isolation.subnetId : isolation.verifySubnetId;
  return { subnetId, securityGroupId, instanceProfile };
}

/** How a launched machine of ours is really connected: one interface, the isolated subnet, the isolated group, no more. */
export function connectionChecks(
  instance: Instance,
  { subnetId, securityGroupId, instanceProfile }: ExpectedConnection,
): readonly Check[] {
  const interfaces = instance.NetworkInterfaces ?? [];
  const groups = interfaces.flatMap(({ Groups }) => (Groups ?? []).map(({ GroupId }) => GroupId));
  const publicAddress =
    instance.PublicIpAddress ?? interfaces.find(({ Association }) => Association?.PublicIp)?.Association?.PublicIp;
  const ipv6 = interfaces.flatMap(({ Ipv6Addresses }) => (Ipv6Addresses ?? []).map(({ Ipv6Address }) => Ipv6Address));
  const profile = instance.IamInstanceProfile?.Arn;
  // None is never less safe than the expected one.
  const isNobodyElse = profile === undefined || nameOf(profile) === instanceProfile;
  const isOnlyInSubnet = interfaces.length === 1 && interfaces[0]?.SubnetId === subnetId;
  const hasOnlyGroup = groups.length === 1 && groups[0] === securityGroupId;
  return [
    line(
      'machine-interface',
      isOnlyInSubnet,
      `${interfaces.length} interfaces, in ${interfaces.map(({ SubnetId }) => SubnetId).join(', ')}`,
    ),
    line('machine-group', hasOnlyGroup, `groups ${groups.join(', ') || 'none'}`),
    line(
      'machine-addresses',
      publicAddress === undefined && ipv6.length === 0,
      publicAddress ?? (ipv6.join(', ') || 'no public and no IPv6 address'),
    ),
    line('machine-profile', isNobodyElse, profile ?? 'no instance profile'),
  ];
}

/** An ARN ends with the path, if any, and the name. */
function nameOf(profileArn: string | undefined): string | undefined {
  return profileArn?.replace(/^.*\//, '');
}

function line(name: string, isHolding: boolean, found: string): Check {
  if (isHolding) return { name, verdict: 'holds', found: found.slice(0, 200) };
  return {
    name,
    verdict: 'broken',
    found: found.slice(0, 200),
    remedy: 'The machine is ended. Find out who changes machines in the isolated network.',
  };
}
