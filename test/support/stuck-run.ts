import { stripVTControlCharacters } from 'node:util';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { BackupProgress } from '../../src/client/index.ts';
import { readSerial } from './machine-console.ts';
import type { TestLab } from './test-lab.ts';

const CONSOLE_LINES = 20;

/** For the message of a test that waited in vain: where the run is, and what its machines wrote last. */
export async function describeStuckRun(
  { aws, lab }: Pick<TestLab, 'aws' | 'lab'>,
  progress: BackupProgress | undefined,
): Promise<string> {
  const { Reservations = [] } = await aws.ec2.send(
    new DescribeInstancesCommand({
      Filters: [{ Name: 'tag:understudy:run', Values: [progress?.runId ?? 'none yet'] }],
    }),
  );
  const machines: string[] = [];
  for (const { InstanceId = '', State } of Reservations.flatMap(({ Instances = [] }) => Instances)) {
    const console = stripVTControlCharacters(await readSerial(lab.status.control, InstanceId));
    machines.push(`${InstanceId} is ${State?.Name}:`, ...console.trimEnd().split('\n').slice(-CONSOLE_LINES));
  }
  return [JSON.stringify(progress?.phases), ...machines].join('\n');
}
