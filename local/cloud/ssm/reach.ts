import type { Cloud } from '../cloud.ts';
import { aclPasses } from '../ec2/acls.ts';
import { contains, parseCidr } from '../ec2/cidr.ts';
import { endpointState } from '../ec2/vpc-endpoints.ts';
import { globMatches } from '../glob.ts';
import type { EndpointRecord, GroupRule, InstanceRecord, InterfaceRecord } from '../records.ts';

/** What an agent calls through each of the two endpoints; a policy that lets it not, keeps the machine unmanaged. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  ssm: ['ssm:UpdateInstanceInformation'],
  ssmmessages: [
    'ssmmessages:CreateControlChannel',
    'ssmmessages:CreateDataChannel',
    'ssmmessages:OpenControlChannel',
    'ssmmessages:OpenDataChannel',
  ],
};
const HTTPS = 443;
/** Where answers come back to: the lists of AWS keep no state, and these are the ports that Linux takes. */
const EPHEMERAL_PORT = 32_768;

/**
 * Whether this machine's agent can reach Systems Manager by endpoints of its own network: an instance profile, private
 * names that resolve, and for both endpoints a policy, groups and access lists that let it through. There is no other
 * way: the internet of this cloud is the ledger alone.
 */
export function reachesSystemsManager(cloud: Cloud, instance: InstanceRecord): boolean {
  const vpc = cloud.db.vpcs.get(instance.vpcId);
  const card = cloud.db.interfaces.get(instance.interfaceId);
  if (instance.profile === undefined || card === undefined || !(vpc?.dnsSupport && vpc.dnsHostnames)) return false;
  return Object.entries(NEEDED).every(([service, actions]) => {
    const serviceName = `com.amazonaws.${cloud.settings.region}.${service}`;
    const doors = cloud.db.endpoints
      .all()
      .filter((endpoint) => endpoint.vpcId === vpc.id && endpoint.serviceName === serviceName && endpoint.privateDns);
    return doors.some(
      (door) =>
        endpointState(door, cloud) === 'available' &&
        actions.every((action) => policyAllows(door, action)) &&
        door.interfaceIds.some((id) => canTalk(cloud, card, cloud.db.interfaces.get(id))),
    );
  });
}

/** Actions only: this cloud has no principals to compare conditions with. */
function policyAllows({ policy }: EndpointRecord, action: string): boolean {
  const { Statement = [] } = JSON.parse(policy) as { Statement?: unknown };
  const statements = (Array.isArray(Statement) ? Statement : [Statement]) as { Effect?: string; Action?: unknown }[];
  const about = statements.filter(({ Action }) =>
    [Action].flat().some((pattern) => typeof pattern === 'string' && globMatches(pattern, action)),
  );
  return about.some(({ Effect }) => Effect === 'Allow') && !about.some(({ Effect }) => Effect === 'Deny');
}

function canTalk(cloud: Cloud, machine: InterfaceRecord, door: InterfaceRecord | undefined): boolean {
  if (door === undefined) return false;
  const rules = (card: InterfaceRecord, direction: 'ingress' | 'egress') =>
    card.groupIds.flatMap((id) => cloud.db.groups.get(id)?.[direction] ?? []);
  const groupsPass =
    rules(machine, 'egress').some((rule) => letsThrough(rule, door)) &&
    rules(door, 'ingress').some((rule) => letsThrough(rule, machine));
  // Lists stand between subnets, not inside one.
  return groupsPass && (machine.subnetId === door.subnetId || listsPass(cloud, machine, door));
}

function letsThrough({ protocol, fromPort, toPort, cidrs, groups }: GroupRule, peer: InterfaceRecord): boolean {
  const fits = protocol === '-1' || (protocol === 'tcp' && (fromPort ?? 0) <= HTTPS && HTTPS <= (toPort ?? 0));
  const peerCidr = parseCidr(`${peer.privateIp}/32`);
  const names =
    groups.some(({ groupId }) => peer.groupIds.includes(groupId)) ||
    cidrs.some(({ cidr }) => contains(parseCidr(cidr), peerCidr));
  return fits && names;
}

function listsPass(cloud: Cloud, machine: InterfaceRecord, door: InterfaceRecord): boolean {
  const [out, back] = [true, false];
  return [
    { subnetId: machine.subnetId, egress: out, address: door.privateIp, port: HTTPS },
    { subnetId: door.subnetId, egress: back, address: machine.privateIp, port: HTTPS },
    { subnetId: door.subnetId, egress: out, address: machine.privateIp, port: EPHEMERAL_PORT },
    { subnetId: machine.subnetId, egress: back, address: door.privateIp, port: EPHEMERAL_PORT },
  ].every((traffic) => aclPasses(cloud, traffic));
}
