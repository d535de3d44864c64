import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { TestLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

/** A run launches its clone after preflight and capture: seconds on a quiet host. */
const LAUNCH_LIMIT_MS = 180_000;

/** The clone that a run under way makes of a machine, once it exists. */
export function awaitCloneOf({ aws }: TestLab, sourceId: string): Promise<string> {
  const filters = [
    { Name: 'tag:understudy:source', Values: [sourceId] },
    { Name: 'tag:understudy:role', Values: ['clone'] },
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ];
  return waitFor(
    async () => {
      const { Reservations = [] } = await aws.ec2.send(new DescribeInstancesCommand({ Filters: filters }));
      return Reservations[0]?.Instances?.[0]?.InstanceId;
    },
    { limitMs: LAUNCH_LIMIT_MS, what: `a clone of ${sourceId} is launched` },
  );
}
