import { createHash } from 'node:crypto';
import { CreateVolumeCommand, type CreateVolumeCommandInput } from '@aws-sdk/client-ec2';
import type { RestoredVolume, VolumeFacts } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { VolumeRequest } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { make } from './make.ts';
import { present } from './narrow.ts';
import { ownedVolumes } from './owned.ts';
import { repeatUntil } from './repeat.ts';
import { runTags, TAG } from './tags.ts';

/** A volume is there within seconds; its blocks are fetched when they are first read. */
const AVAILABLE_WITHIN_MS = 10 * 60_000;

/** A new volume of a restored snapshot, or the one that an earlier attempt made. */
export async function createVolume(
  context: Ec2Context,
  request: VolumeRequest,
  signal: AbortSignal,
): Promise<RestoredVolume> {
  const { run, volume, zone } = request;
  const find = async () => {
    const volumes = await ownedVolumes(context, run, signal);
    return volumes.find(({ tags }) => tags[TAG.role] === 'restored' && tags[TAG.name] === volume.volumeId)?.resource;
  };
  const volumeId = (await find())?.VolumeId ?? (await sendCreate(context, request, signal));
  const limit = { limitMs: AVAILABLE_WITHIN_MS, what: `volume ${volumeId} to be available` };
  await repeatUntil(context, limit, signal, async () => {
    const state = (await find())?.State;
    // Somebody may attach it at once.
    if (state === 'available' || state === 'in-use') return state;
    if (state !== 'error') return undefined;
    throw new PlatformError('PlatformRefused', `The new volume ${volumeId} ended in error. Check its KMS key.`);
  });
  return { sourceVolumeId: volume.volumeId, volumeId, zone, bytes: volume.bytes, type: volume.type };
}

async function sendCreate(context: Ec2Context, request: VolumeRequest, signal: AbortSignal): Promise<string> {
  const { run, volume, snapshot, zone } = request;
  const command = new CreateVolumeCommand({
    AvailabilityZone: zone,
    SnapshotId: snapshot.snapshotId,
    ...volumePerformance(volume),
    // At most 64 ASCII characters (API_CreateVolume).
    ClientToken: createHash('sha256').update([run.runId, volume.volumeId, zone].join('\n')).digest('hex').slice(0, 64),
    TagSpecifications: [{ ResourceType: 'volume', Tags: runTags(run, 'restored', { name: volume.volumeId }) }],
  });
  const attempted = `CreateVolume of ${snapshot.snapshotId} in ${zone}`;
  const answer = await make(context, attempted, signal, () => context.clients.ec2Once.send(command));
  return present(answer.VolumeId, 'VolumeId', attempted);
}

/** Types whose IOPS are chosen, and the one whose throughput is (API_CreateVolume). */
const CHOSEN_IOPS = new Set(['gp3', 'io1', 'io2']);

/** As the source's volume was. */
export function volumePerformance({ type, iops, throughput }: Pick<VolumeFacts, 'type' | 'iops' | 'throughput'>) {
  return {
    VolumeType: type as NonNullable<CreateVolumeCommandInput['VolumeType']>,
    ...(CHOSEN_IOPS.has(type) && iops !== undefined && { Iops: iops }),
    ...(type === 'gp3' && throughput !== undefined && { Throughput: throughput }),
  };
}
