import type { Check } from '../../contract/check.ts';
import type { IsolationProfile } from '../../contract/resolved-backup.ts';
import { PlatformError } from '../../errors.ts';
import type { IsolationRequest } from '../platform.ts';
import { connectionChecks, expectedConnection } from './connection.ts';
import type { Ec2Context } from './context.ts';
import { readInstance } from './describe-machine.ts';
import { ENDPOINT_LINES, endpointAclLine } from './endpoint-lines.ts';
import { isUnreadable } from './errors.ts';
import { GATEWAY_LINES } from './gateway-lines.ts';
import { NETWORK_LINES, type SubnetRole, subnetLines } from './network-lines.ts';
import type { Finding, IsolationLine, NetworkUnderProof } from './proof-line.ts';

/** What no client of ours can read at all: checked by a person, once, and then listed in the isolation profile. */
const UNREADABLE_LINES = [
  { name: 'resolver-rules', found: 'Route 53 Resolver rule associations of the network cannot be read by this worker' },
  { name: 'lattice-associations', found: 'VPC Lattice associations of the network cannot be read by this worker' },
] as const;

/** And in a network whose machines resolve names and are somebody. */
const UNREADABLE_WITH_ENDPOINTS = [
  { name: 'dns-firewall', found: "whether names other than the endpoints' are blocked cannot be read by this worker" },
  { name: 'instance-role', found: "the policies of the instance profile's role cannot be read by this worker" },
] as const;

/** Asked of a sealed network alone; with endpoints there is another line in place of each. */
const SEALED_ONLY = new Set(['dns-off']);

function linesFor(kind: IsolationProfile['kind'], role: SubnetRole): readonly IsolationLine[] {
  const sealed = [...NETWORK_LINES, ...GATEWAY_LINES, ...subnetLines(role)];
  if (kind === 'sealed') return sealed;
  const own = [...ENDPOINT_LINES, endpointAclLine(role)];
  const replaced = new Set(own.map(({ name }) => name));
  return [...sealed.filter(({ name }) => !SEALED_ONLY.has(name) && !replaced.has(name)), ...own];
}

interface NetworkProofRequest {
  readonly isolation: IsolationProfile;
  readonly sourceNetworkId: string;
  readonly role: SubnetRole;
}

export async function proveIsolation(
  context: Ec2Context,
  request: IsolationRequest,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { isolation, sourceId, role, machineId } = request;
  const sourceNetworkId = await sourceNetwork(context, sourceId, signal);
  const network = await proveNetwork(context, { isolation, sourceNetworkId, role }, signal);
  if (machineId === undefined) return network;
  const { instance } = await readInstance(context, machineId, signal);
  return [...network, ...connectionChecks(instance, expectedConnection(isolation, role))];
}

/** Every line of the isolated network as configuration, read now. The order is the order in which people read it. */
async function proveNetwork(
  context: Ec2Context,
  request: NetworkProofRequest,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { isolation, sourceNetworkId, role } = request;
  const network: NetworkUnderProof = { isolation, sourceNetworkId };
  const lines = linesFor(isolation.kind, role);
  const checks: Check[] = [];
  // One after another: describes share the account's bucket of 20 per second with everything else that runs there.
  for (const line of lines) checks.push(await proveLine(context, line, network, signal));
  const unreadable =
    isolation.kind === 'sealed' ? UNREADABLE_LINES : [...UNREADABLE_LINES, ...UNREADABLE_WITH_ENDPOINTS];
  return [...checks, ...unreadable.map(({ name, found }) => notChecked(name, found, isolation))];
}

async function proveLine(
  context: Ec2Context,
  { name, read, remedy }: IsolationLine,
  network: NetworkUnderProof,
  signal: AbortSignal,
): Promise<Check> {
  let finding: Finding;
  try {
    finding = await read(context, network, signal);
  } catch (error) {
    if (isUnreadable(error))
      return notChecked(name, `this worker may not read it: ${shortReason(error)}`, network.isolation);
    if (error instanceof PlatformError && (error.code === 'ResourceMissing' || error.code === 'PlatformRefused')) {
      return {
        name,
        verdict: 'broken',
        found: shortReason(error),
        remedy: `Correct the isolation profile "${network.isolation.name}".`,
      };
    }
    throw error;
  }
  const found = finding.found.slice(0, 200);
  return finding.holds ? { name, verdict: 'holds', found } : { name, verdict: 'broken', found, remedy };
}

function notChecked(name: string, found: string, isolation: IsolationProfile): Check {
  if (isolation.acceptNotChecked.includes(name)) return { name, verdict: 'accepted', found: found.slice(0, 200) };
  return {
    name,
    verdict: 'not-checked',
    found: found.slice(0, 200),
    remedy: `Check it yourself once, then add "${name}" to acceptNotChecked of the isolation profile "${isolation.name}".`,
  };
}

function shortReason(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 160) : 'no reason given';
}

/** Verification may run when production is long gone; then there is no network of its to be mixed up with. */
async function sourceNetwork(context: Ec2Context, sourceId: string, signal: AbortSignal): Promise<string> {
  try {
    const { instance } = await readInstance(context, sourceId, signal);
    return instance.VpcId ?? 'none';
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'InstanceNotFound') return 'none';
    throw error;
  }
}
