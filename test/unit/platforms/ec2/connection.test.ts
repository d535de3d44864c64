import { expect, test } from 'vitest';
import { connectionChecks, expectedConnection } from '../../../../src/platforms/ec2/connection.ts';
import { ISOLATION } from '../../../support/fake-activities.ts';

const ARN = 'arn:aws:iam::111111111111:instance-profile';
const COMMANDS = { ...ISOLATION, kind: 'endpoints-only', instanceProfile: 'agent' } as const;

function profileVerdict(isolation: typeof ISOLATION, arn: string | undefined) {
  const card = { SubnetId: 'subnet-1', Groups: [{ GroupId: 'sg-1' }] };
  const instance = { NetworkInterfaces: [card], ...(arn !== undefined && { IamInstanceProfile: { Arn: arn } }) };
  const checks = connectionChecks(instance, expectedConnection(isolation, 'clone'));
  expect(checks.filter(({ name, verdict }) => name !== 'machine-profile' && verdict !== 'holds')).toEqual([]);
  return checks.find(({ name }) => name === 'machine-profile')?.verdict;
}

test.each([
  { isolation: ISOLATION, arn: undefined, verdict: 'holds' },
  { isolation: ISOLATION, arn: `${ARN}/agent`, verdict: 'broken' },
  { isolation: COMMANDS, arn: `${ARN}/agent`, verdict: 'holds' },
  { isolation: COMMANDS, arn: `${ARN}/path/agent`, verdict: 'holds' },
  { isolation: COMMANDS, arn: undefined, verdict: 'holds' },
  { isolation: COMMANDS, arn: `${ARN}/admin`, verdict: 'broken' },
  { isolation: COMMANDS, arn: `${ARN}/not-agent`, verdict: 'broken' },
])('in a network of kind $isolation.kind the instance profile $arn $verdict', ({ isolation, arn, verdict }) => {
  expect(profileVerdict(isolation, arn)).toBe(verdict);
});

test('a verification machine belongs into its own subnet', () => {
  expect(expectedConnection(ISOLATION, 'verify').subnetId).toBe(ISOLATION.verifySubnetId);
  expect(expectedConnection(ISOLATION, 'clone').subnetId).toBe(ISOLATION.subnetId);
});
