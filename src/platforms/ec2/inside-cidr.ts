import { BlockList, isIPv4 } from 'node:net';

/** Whether an IPv4 range lies wholly inside one of these; anything that is no such range does not. */
export function isInsideSome(cidr: string, ranges: readonly string[]): boolean {
  const inner = parse(cidr);
  if (inner === undefined) return false;
  return ranges.some((text) => {
    const outer = parse(text);
    if (outer === undefined || outer.prefix > inner.prefix) return false;
    const list = new BlockList();
    list.addSubnet(outer.address, outer.prefix);
    return list.check(inner.address);
  });
}

function parse(cidr: string): { readonly address: string; readonly prefix: number } | undefined {
  const [address = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  const isRange = isIPv4(address) && /^\d{1,2}$/.test(bits) && prefix <= 32;
  return isRange ? { address, prefix } : undefined;
}
