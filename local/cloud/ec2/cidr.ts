import { CloudError } from '../cloud-error.ts';

export interface Cidr {
  readonly first: number;
  readonly prefix: number;
  readonly size: number;
}

/** IPv4 only; the address must be the network's own, as EC2 demands. */
export function parseCidr(text: string): Cidr {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d{1,2})$/.exec(text);
  const prefix = Number(match?.[2]);
  const address = parseAddress(match?.[1] ?? '');
  const size = 2 ** (32 - prefix);
  if (address === undefined || !(prefix <= 32) || address % size !== 0) {
    throw new CloudError(
      'InvalidParameterValue',
      `Value (${text}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    );
  }
  return { first: address, prefix, size };
}

export function parseAddress(text: string): number | undefined {
  const octets = text.split('.').map(Number);
  if (octets.length !== 4 || !/^[\d.]+$/.test(text) || !octets.every((octet) => octet <= 255)) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function contains(outer: Cidr, inner: Cidr): boolean {
  return inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}
