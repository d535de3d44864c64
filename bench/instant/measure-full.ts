import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { LabClients } from '../../local/up/aws-clients.ts';
import type { Lab } from '../../local/up/start-lab.ts';
import type { BackupClient } from '../../src/client/index.ts';
import { serialShows } from '../../test/support/machine-console.ts';
import { waitFor } from '../../test/support/wait-for.ts';

// 8 GiB take minutes.
const LIMIT_MS = 20 * 60_000;

/**
 * A full restore as the product makes it: everything out of the vault into new snapshots, a machine of them, and its
 * PostgreSQL asked. Resolves with the milliseconds until it answered, which the machine says on its console.
 */
export async function measureFullRestore(
  { lab, aws, client }: { readonly lab: Lab; readonly aws: LabClients; readonly client: BackupClient },
  pointId: string,
): Promise<number> {
  const startedAt = performance.now();
  const run = await client.verify({ pointId });
  const instanceId = await waitFor(() => findMachine(aws, run.workflowId), { limitMs: LIMIT_MS, what: 'a machine' });
  const pattern = /"step":"recovered","recipe":"postgresql","ok":true/;
  await serialShows({ control: lab.status.control, instanceId, pattern });
  const ms = performance.now() - startedAt;
  const { verdict } = await run.result();
  if (verdict !== 'green') throw new Error(`the restored machine is ${verdict}`);
  return ms;
}

async function findMachine({ ec2 }: LabClients, workflowId: string): Promise<string | undefined> {
  const Filters = [
    { Name: 'tag:understudy:workflow', Values: [workflowId] },
    { Name: 'instance-state-name', Values: ['running'] },
  ];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  return Reservations[0]?.Instances?.[0]?.InstanceId;
}
