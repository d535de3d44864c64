import { DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import type { Ec2Context } from './context.ts';
import { call } from './errors.ts';
import { repeatUntil } from './repeat.ts';

/** A described instance shows its volumes a moment later. */
const VOLUMES_WITHIN_MS = 2 * 60_000;

/** A machine's volumes by what stands for their device in `wanted`; waits until all of them show. */
export function machineVolumes(
  context: Ec2Context,
  machineId: string,
  wanted: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const limit = { limitMs: VOLUMES_WITHIN_MS, what: `the volumes of ${machineId}` };
  return repeatUntil(context, limit, signal, async () => {
    const found = await findVolumes(context, machineId, wanted, signal);
    return Object.keys(found).length === wanted.size ? found : undefined;
  });
}

/** Device names are the only link between a machine's volumes and its source's. */
async function findVolumes(
  { clients }: Ec2Context,
  machineId: string,
  wanted: ReadonlyMap<string, string>,
  signal: AbortSignal,
) {
  const filters = [{ Name: 'attachment.instance-id', Values: [machineId] }];
  const answer = await call(`DescribeVolumes of ${machineId}`, signal, () =>
    clients.ec2.send(new DescribeVolumesCommand({ Filters: filters }), { abortSignal: signal }),
  );
  const entries = (answer.Volumes ?? []).flatMap(({ VolumeId, Attachments }): [string, string][] => {
    const device = Attachments?.find(({ InstanceId }) => InstanceId === machineId)?.Device;
    const source = device === undefined ? undefined : wanted.get(device);
    return source === undefined || VolumeId === undefined ? [] : [[source, VolumeId]];
  });
  return Object.fromEntries(entries);
}
