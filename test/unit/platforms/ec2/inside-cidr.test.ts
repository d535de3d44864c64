import { expect, test } from 'vitest';
import { isInsideSome } from '../../../../src/platforms/ec2/inside-cidr.ts';

test.each([
  ['10.0.2.0/28', true],
  ['10.0.2.5/32', true],
  ['10.0.2.0/24', false],
  ['10.0.2.16/28', false],
  ['0.0.0.0/0', false],
  ['10.0.9.3/32', true],
  ['::/0', false],
  ['10.0.2.5', false],
  ['10.0.2.5/99', false],
  ['', false],
])('%s lies inside the ranges: %s', (cidr, expected) => {
  expect(isInsideSome(cidr, ['10.0.2.0/28', '10.0.9.0/24'])).toBe(expected);
});
