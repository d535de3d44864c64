import { z } from 'zod';

/** What the local cloud tells its owner about one machine, beside the AWS APIs. */
const Machine = z.object({
  instanceId: z.string(),
  state: z.string(),
  pid: z.int().nullable(),
  ports: z.record(z.string(), z.int()),
});
export type MachineFacts = z.output<typeof Machine>;

const Call = z.object({
  seq: z.int(),
  at: z.string(),
  accessKeyId: z.string().optional(),
  service: z.string(),
  action: z.string(),
  dryRun: z.boolean(),
  instanceIds: z.array(z.string()),
  volumeIds: z.array(z.string()),
  snapshotIds: z.array(z.string()),
  otherIds: z.array(z.string()),
  error: z.string().optional(),
});
export type CloudCall = z.output<typeof Call>;

export async function readMachine(control: string, instanceId: string): Promise<MachineFacts> {
  const answer = await fetch(`${control}/v1/instances/${instanceId}`);
  if (!answer.ok) throw new Error(`the local cloud knows no ${instanceId}: ${await answer.text()}`);
  return Machine.parse(await answer.json());
}

/** Every call and every command to a machine after `since`, oldest first. */
export async function readCalls(control: string, since = 0): Promise<readonly CloudCall[]> {
  const answer = await fetch(`${control}/v1/calls?since=${since}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the local cloud does not show its calls: ${text}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Call.parse(JSON.parse(line)));
}
