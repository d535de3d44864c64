import { createServer } from 'node:net';
import type { Cloud } from '../cloud.ts';
import { aclAllows } from '../ec2/acls.ts';
import { formatAddress, parseCidr } from '../ec2/cidr.ts';
import { routesToInternet } from '../ec2/route-tables.ts';
import type { GroupRule, InstanceRecord } from '../records.ts';
import { LEDGER_PORT_FILE, metadataPortFile, ssmPortFile } from '../storage/layout.ts';

/** What a route and the groups open between a machine and the outside; everything else stays closed. */
export interface Openings {
  /** Guest TCP ports that the outside reaches. */
  readonly ports: readonly number[];
  readonly ledger: boolean;
  /**
   * The agent's way to its door, for whoever has a profile. Endpoints and rules come and go while a machine runs, and QEMU
   * wires a card once, so the door asks the network at each request (ssm/agent-door.ts).
   */
  readonly ssm: boolean;
}

/** The outside that guests can post to: TEST-NET-3, which no real host has. */
const LEDGER_ADDRESS = '203.0.113.10';
const LEDGER_PORT = 8080;
/** The endpoints' names, as long as no machine here has a resolver: TEST-NET-3 again, on the port of HTTPS. */
const SSM_ADDRESS = '203.0.113.20';
const SSM_PORT = 443;
/** A group that opens a wide range gets its first ports only: each costs a listener on the host. */
const MAX_FORWARDS = 16;

export function openingsOf(cloud: Cloud, instance: InstanceRecord): Openings {
  return { ...internetOpenings(cloud, instance), ssm: instance.profile !== undefined };
}

function internetOpenings(cloud: Cloud, instance: InstanceRecord): Omit<Openings, 'ssm'> {
  const subnet = cloud.db.subnets.get(instance.subnetId);
  if (subnet === undefined || !routesToInternet(cloud, subnet)) return { ports: [], ledger: false };
  // Lists are stateless on AWS: a conversation needs both directions.
  if (!aclAllows(cloud, subnet.id, true) || !aclAllows(cloud, subnet.id, false)) return { ports: [], ledger: false };
  const { groupIds = [] } = cloud.db.interfaces.get(instance.interfaceId) ?? {};
  const groups = groupIds.flatMap((id) => cloud.db.groups.get(id) ?? []);
  const ports = groups.flatMap(({ ingress }) => ingress.filter(isOpenTcp).flatMap(portsOf));
  const ledger = groups.some(({ egress }) => egress.some((rule) => reachesLedger(rule)));
  return { ports: [...new Set(ports)].slice(0, MAX_FORWARDS), ledger };
}

function isOpenTcp({ protocol, cidrs }: GroupRule): boolean {
  return protocol === 'tcp' && cidrs.some(({ cidr }) => cidr === '0.0.0.0/0');
}

function portsOf({ fromPort = 0, toPort = fromPort }: GroupRule): number[] {
  const count = Math.min(toPort - fromPort + 1, MAX_FORWARDS);
  return fromPort < 1 ? [] : Array.from({ length: count }, (_, index) => fromPort + index);
}

function reachesLedger({ protocol, cidrs, fromPort, toPort }: GroupRule): boolean {
  const covers = cidrs.some(({ cidr }) => cidr === '0.0.0.0/0' || cidr === `${LEDGER_ADDRESS}/32`);
  const portFits =
    protocol === '-1' || (protocol === 'tcp' && (fromPort ?? 0) <= LEDGER_PORT && LEDGER_PORT <= (toPort ?? 0));
  return covers && portFits;
}

/** Host ports for the guest ports: those of the last start where they are still free, so that clients may keep them. */
export async function assignHostPorts(wanted: readonly number[], known: Readonly<Record<string, number>>) {
  const ports: Record<string, number> = {};
  for (const guestPort of wanted) {
    const before = known[guestPort];
    ports[guestPort] = (before !== undefined && (await listenOnce(before))) || (await listenOnce(0)) || 0;
  }
  return ports;
}

/** The port if it can be had (0: any free one), else undefined. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}

export interface NetdevFacts {
  readonly instance: InstanceRecord;
  readonly subnetCidr: string;
  readonly openings: Openings;
  readonly hostPorts: Readonly<Record<string, number>>;
  readonly relay: string;
}

/**
 * One card. A guestfwd address must lie inside the netdev's net, so the net is everything (its dotted mask is not
 * range-checked by QEMU); `restrict=on` then closes everything but DHCP and the openings named here.
 */
export function netdevArgument({ instance, subnetCidr, openings, hostPorts, relay }: NetdevFacts): string {
  const { first } = parseCidr(subnetCidr);
  const forward = Object.entries(hostPorts).map(([guest, host]) => `hostfwd=tcp:127.0.0.1:${host}-:${guest}`);
  return [
    'user,id=n0,restrict=on,ipv6=off,net=0.0.0.0/0.0.0.0',
    `host=${formatAddress(first + 1)},dns=${formatAddress(first + 2)},dhcpstart=${instance.privateIp}`,
    ...forward,
    `guestfwd=tcp:169.254.169.254:80-cmd:${relayTo(relay, metadataPortFile(instance.id))}`,
    ...(openings.ledger
      ? [`guestfwd=tcp:${LEDGER_ADDRESS}:${LEDGER_PORT}-cmd:${relayTo(relay, LEDGER_PORT_FILE)}`]
      : []),
    ...(openings.ssm
      ? [`guestfwd=tcp:${SSM_ADDRESS}:${SSM_PORT}-cmd:${relayTo(relay, ssmPortFile(instance.id))}`]
      : []),
  ].join(',');
}

/** The port stands in a file, read at each connection: it may change while the machine runs. No commas: QEMU splits there. */
function relayTo(relay: string, portFile: string): string {
  return `/bin/sh -c 'read port < ${portFile} && exec ${relay} nc 127.0.0.1 $port'`;
}
