import { BlockList, isIPv4 } from 'node:net';
import { DescribeNetworkInterfacesCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import type { Ec2Context } from './context.ts';
import { call } from './errors.ts';
import { present } from './narrow.ts';

export interface AddressRequest {
  readonly wanted: string | undefined;
  readonly subnetId: string;
}

/**
 * Production's own address where the isolated subnet contains it and it is free, else undefined: any. Applications that
 * bind to their address or are configured by it then start unchanged; safe only because nothing is connected.
 */
export async function chooseAddress(
  { clients }: Ec2Context,
  { wanted, subnetId }: AddressRequest,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (wanted === undefined || !isIPv4(wanted)) return undefined;
  const answer = await call(`DescribeSubnets ${subnetId}`, signal, () =>
    clients.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }), { abortSignal: signal }),
  );
  const cidr = present(answer.Subnets?.[0]?.CidrBlock, 'CidrBlock', subnetId);
  if (!subnetContains(cidr, wanted)) return undefined;
  const filters = [
    { Name: 'subnet-id', Values: [subnetId] },
    { Name: 'addresses.private-ip-address', Values: [wanted] },
  ];
  const taken = await call(`DescribeNetworkInterfaces of ${wanted}`, signal, () =>
    clients.ec2.send(new DescribeNetworkInterfacesCommand({ Filters: filters }), { abortSignal: signal }),
  );
  return (taken.NetworkInterfaces ?? []).length === 0 ? wanted : undefined;
}

/** Without the first four addresses and the last, which AWS keeps in every subnet. */
export function subnetContains(cidr: string, address: string): boolean {
  const [network = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  if (!isIPv4(network) || !Number.isInteger(prefix) || prefix < 16 || prefix > 28) return false;
  const range = new BlockList();
  range.addSubnet(network, prefix);
  if (!range.check(address)) return false;
  const host = toNumber(address) % 2 ** (32 - prefix);
  return host >= 4 && host < 2 ** (32 - prefix) - 1;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
