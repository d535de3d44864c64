import { DescribeNetworkInterfacesCommand } from '@aws-sdk/client-ec2';
import type { Ec2Context } from './context.ts';
import { SHOWS_WITHIN_MS } from './make.ts';
import { collect } from './pages.ts';
import { type Finding, mustBeNone } from './proof-line.ts';
import { TAG, tagRecord } from './tags.ts';

/**
 * Runs share the network, and a clone that another one starts this moment may show before its tags do, within seconds
 * (EC2 API, "Eventual consistency"). Five looks are four times what we give anything else that was just made.
 */
const LOOKS = 5;

export interface InterfacesRequest {
  readonly vpcId: string;
  /** Ids of interfaces that are known to be no machine's. */
  readonly doors: ReadonlySet<string>;
}

/** Holds when every interface of the network but its doors carries a run's tag. What stays without one is somebody else's. */
export async function proveNoForeignInterfaces(
  context: Ec2Context,
  request: InterfacesRequest,
  signal: AbortSignal,
): Promise<Finding> {
  for (let look = 1; ; look++) {
    const foreign = await findForeign(context, request, signal);
    if (foreign.length === 0 || look === LOOKS) return mustBeNone('interface of others', foreign);
    await context.sleep(SHOWS_WITHIN_MS, signal);
  }
}

async function findForeign({ clients }: Ec2Context, { vpcId, doors }: InterfacesRequest, signal: AbortSignal) {
  const filters = [{ Name: 'vpc-id', Values: [vpcId] }];
  const all = await collect('DescribeNetworkInterfaces', signal, async (NextToken) => {
    const command = new DescribeNetworkInterfacesCommand({ Filters: filters, MaxResults: 200, NextToken });
    const page = await clients.ec2.send(command, { abortSignal: signal });
    return { items: page.NetworkInterfaces ?? [], next: page.NextToken };
  });
  return all
    .filter(
      ({ TagSet, NetworkInterfaceId }) =>
        tagRecord(TagSet)[TAG.run] === undefined && !doors.has(NetworkInterfaceId ?? ''),
    )
    .map(({ NetworkInterfaceId }) => NetworkInterfaceId);
}
