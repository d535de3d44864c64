import { expect, test } from 'vitest';
import { selectMachines } from '../../../../src/platforms/ec2/describe-machine.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';

const NEVER = new AbortController().signal;

function machine(id: string, value: string): string {
  return `<item><instanceId>${id}</instanceId><tagSet><item><key>backup</key><value>${value}</value></item>
    <item><key>Name</key><value>x</value></item></tagSet></item>`;
}

test('a tag value with * or ? selects the machines that carry exactly it, not those that EC2 takes it for', async () => {
  const { context, of } = await answerEc2(
    () =>
      `<reservationSet><item><instancesSet>${machine('i-2', 'night*')}${machine('i-1', 'nightly')}${machine('i-0', 'night*')}</instancesSet></item></reservationSet>`,
  );
  expect(await selectMachines(context, { backup: 'night*' }, NEVER)).toEqual(['i-0', 'i-2']);
  expect(of('DescribeInstances')[0]?.get('Filter.2.Value.1')).toBe('night*');
});
