import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { readSerial } from './machine-console.ts';
import type { TestLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

/** A run launches its clone after preflight and capture: seconds on a quiet host. */
const LAUNCH_LIMIT_MS = 180_000;
/** Two launches: a clone that gives no sign of life within `firstSignMs`, two minutes in a lab, is launched once more. */
const CONSOLE_LIMIT_MS = 360_000;

/** The clone that a run under way makes of a machine, once it exists. */
export function awaitCloneOf(lab: TestLab, sourceId: string): Promise<string> {
  return waitFor(() => findCloneOf(lab, sourceId), {
    limitMs: LAUNCH_LIMIT_MS,
    what: `a clone of ${sourceId} is launched`,
  });
}

/** The clone as soon as its console matches: within about 50 ms, so that a test can act before the guest's next step. */
export function awaitCloneThatShows(lab: TestLab, sourceId: string, pattern: RegExp): Promise<string> {
  const read = async (cloneId: string | undefined) =>
    cloneId === undefined ? 'no clone' : await readSerial(lab.lab.status.control, cloneId);
  return waitFor(
    async () => {
      const cloneId = await findCloneOf(lab, sourceId);
      return pattern.test(await read(cloneId)) ? cloneId : undefined;
    },
    {
      limitMs: CONSOLE_LIMIT_MS,
      what: `the console of a clone of ${sourceId} shows ${pattern}`,
      otherwise: async () => read(await findCloneOf(lab, sourceId)),
    },
  );
}

async function findCloneOf({ aws }: TestLab, sourceId: string): Promise<string | undefined> {
  const filters = [
    { Name: 'tag:understudy:source', Values: [sourceId] },
    { Name: 'tag:understudy:role', Values: ['clone'] },
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ];
  const { Reservations = [] } = await aws.ec2.send(new DescribeInstancesCommand({ Filters: filters }));
  return Reservations[0]?.Instances?.[0]?.InstanceId;
}
