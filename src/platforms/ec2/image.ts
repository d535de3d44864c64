import {
  type BlockDeviceMapping,
  DescribeImagesCommand,
  type Image,
  RegisterImageCommand,
  type RegisterImageCommandInput,
} from '@aws-sdk/client-ec2';
import type { MachineFacts, SnapshotFacts, VolumeFacts } from '../../contract/machine.ts';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { volumePerformance } from './create-volume.ts';
import { awsName, call } from './errors.ts';
import { make } from './make.ts';
import { present } from './narrow.ts';
import { repeatUntil } from './repeat.ts';
import { runTags, TAG, tagRecord } from './tags.ts';

export interface ImageRequest {
  readonly run: Run;
  /** `retained` stays when its run has ended. */
  readonly role: 'clone' | 'verify' | 'retained' | 'restored';
  readonly like: MachineFacts;
  readonly snapshots: readonly SnapshotFacts[];
}

/** Made of completed snapshots an image is available within seconds. */
const AVAILABLE_WITHIN_MS = 10 * 60_000;

/**
 * An image that boots as its source does. RunInstances cannot swap the root snapshot of an existing image, so each run
 * registers its own. Its name is the token: names are unique per account and region.
 */
export async function ensureImage(context: Ec2Context, request: ImageRequest, signal: AbortSignal): Promise<string> {
  const { run, role, like } = request;
  const name = `understudy-${run.runId}-${role}`;
  const imageId =
    (await findImage(context, run, name, signal)) ?? (await registerImage(context, { ...request, name }, signal));
  const image = await repeatUntil(
    context,
    { limitMs: AVAILABLE_WITHIN_MS, what: `image ${imageId} to be available` },
    signal,
    async () => {
      const found = await describeImage(context, name, signal);
      if (found?.State === 'failed' || found?.State === 'error' || found?.State === 'invalid') {
        throw new PlatformError(
          'PlatformRefused',
          `The image ${imageId} ended in ${found.State}: ${found.StateReason?.Message ?? 'no reason'}.`,
        );
      }
      return found?.State === 'available' ? found : undefined;
    },
  );
  mustBillAsSource(image, like);
  return imageId;
}

async function findImage(
  context: Ec2Context,
  run: Run,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const image = await describeImage(context, name, signal);
  if (!image) return undefined;
  const tags = tagRecord(image.Tags);
  if (tags[TAG.run] === run.runId && tags[TAG.deployment] === run.deploymentId)
    return present(image.ImageId, 'ImageId', name);
  throw new PlatformError(
    'ResourceNotOurs',
    `An image named ${name} exists without this run's tags. Find out who made it and remove it.`,
  );
}

async function describeImage({ clients }: Ec2Context, name: string, signal: AbortSignal): Promise<Image | undefined> {
  const filters = [{ Name: 'name', Values: [name] }];
  const answer = await call(`DescribeImages ${name}`, signal, () =>
    clients.ec2.send(new DescribeImagesCommand({ Owners: ['self'], Filters: filters }), { abortSignal: signal }),
  );
  return answer.Images?.find(({ Name }) => Name === name);
}

async function registerImage(
  context: Ec2Context,
  request: ImageRequest & { readonly name: string },
  signal: AbortSignal,
): Promise<string> {
  const { run, name } = request;
  try {
    const answer = await make(context, `RegisterImage ${name}`, signal, () =>
      context.clients.ec2Once.send(new RegisterImageCommand(imageFields(request))),
    );
    return present(answer.ImageId, 'ImageId', name);
  } catch (error) {
    // A lost reply of an earlier attempt, seen late.
    if (awsName(error) !== 'InvalidAMIName.Duplicate') throw error;
    const adopted = await findImage(context, run, name, signal);
    if (adopted !== undefined) return adopted;
    throw new PlatformError('NotReadyYet', `An image named ${name} exists but does not show yet.`, { cause: error });
  }
}

/** Architecture and virtualization have defaults nobody wants (i386, paravirtual), so every field is named. */
function imageFields({
  run,
  role,
  like,
  snapshots,
  name,
}: ImageRequest & { readonly name: string }): RegisterImageCommandInput {
  const { boot } = like;
  return {
    Name: name,
    Description: `Understudy image of run ${run.runId}`,
    Architecture: boot.architecture as RegisterImageCommandInput['Architecture'],
    VirtualizationType: boot.virtualization,
    RootDeviceName: boot.rootDeviceName,
    EnaSupport: boot.enaSupport,
    ...(boot.bootMode !== undefined && { BootMode: boot.bootMode as RegisterImageCommandInput['BootMode'] }),
    ...(boot.tpmSupport !== undefined && { TpmSupport: boot.tpmSupport as RegisterImageCommandInput['TpmSupport'] }),
    ...(boot.uefiData !== undefined && { UefiData: boot.uefiData }),
    BlockDeviceMappings: like.volumes.map((volume) => mapping(volume, snapshots, role)),
    TagSpecifications: [{ ResourceType: 'image', Tags: runTags(run, 'image', { retain: role === 'retained' }) }],
  };
}

/** Sizes come from the snapshots and encryption is inherited: naming either beside a SnapshotId fails or lies. */
function mapping(
  volume: VolumeFacts,
  snapshots: readonly SnapshotFacts[],
  role: ImageRequest['role'],
): BlockDeviceMapping {
  const snapshot = snapshots.find(({ sourceVolumeId }) => sourceVolumeId === volume.volumeId);
  return {
    DeviceName: volume.deviceName,
    Ebs: {
      SnapshotId: present(snapshot?.snapshotId, 'snapshot', `volume ${volume.volumeId}`),
      DeleteOnTermination: true,
      // What is restored for people is as the source was. A machine of an hour reads as production did; other types fall
      // back to gp3's base of 3,000 IOPS and 125 MiB/s.
      ...volumePerformance(role === 'restored' || volume.type === 'gp3' ? volume : GP3_BASE),
    },
  };
}

const GP3_BASE = { type: 'gp3' };

/** Written snapshots carry no licence: a clone that would run unlicensed is not launched (API_RegisterImage). */
function mustBillAsSource(image: Image, like: MachineFacts): void {
  const wanted = like.boot.platformDetails;
  if (image.PlatformDetails === undefined || image.PlatformDetails === wanted) return;
  throw new PlatformError(
    'PlatformRefused',
    `The image ${image.ImageId} says platform "${image.PlatformDetails}", its source "${wanted}": the licence did not come along.`,
  );
}
