import { expect, test } from 'vitest';
import { subnetContains } from '../../../../src/platforms/ec2/private-address.ts';

test.each([
  { cidr: '10.20.1.0/24', address: '10.20.1.77', is: true },
  { cidr: '10.20.1.0/24', address: '10.20.1.3', is: false },
  { cidr: '10.20.1.0/24', address: '10.20.1.4', is: true },
  { cidr: '10.20.1.0/24', address: '10.20.1.255', is: false },
  { cidr: '10.20.1.0/24', address: '10.20.2.77', is: false },
  { cidr: '10.20.0.0/16', address: '10.20.255.254', is: true },
  { cidr: '10.20.1.16/28', address: '10.20.1.19', is: false },
  { cidr: 'nonsense', address: '10.20.1.19', is: false },
])('$address can be given out in $cidr: $is', ({ cidr, address, is }) => {
  expect(subnetContains(cidr, address)).toBe(is);
});
