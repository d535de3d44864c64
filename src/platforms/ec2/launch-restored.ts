import type { RestoredMachine } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { RestoredLaunchRequest } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { type EarlierLaunch, findEarlierLaunch } from './earlier-launch.ts';
import { ensureImage } from './image.ts';
import { climb } from './ladder.ts';
import { machineVolumes } from './machine-volumes.ts';
import { present } from './narrow.ts';
import type { OwnedInstance } from './owned.ts';
import { chooseAddress } from './private-address.ts';
import { type InstanceRequest, runInstance } from './run-instance.ts';
import { waitRunning } from './wait-running.ts';

/** A restore has one machine, and nobody who gives it up for a second one. */
const LAUNCH = { role: 'restored', attempt: 1 } as const;

/** Launches the machine that a restore is for, or adopts what an earlier attempt launched. */
export async function launchRestored(
  context: Ec2Context,
  request: RestoredLaunchRequest,
  signal: AbortSignal,
): Promise<RestoredMachine> {
  const { run, like, snapshots } = request;
  const imageId = await ensureImage(context, { run, role: 'restored', like, snapshots }, signal);
  const earlier = await findEarlierLaunch(context, { run, ...LAUNCH }, signal);
  const running = earlier.alive ? await waitRunning(context, run, earlier.alive, signal) : undefined;
  const machine = running ?? (await launchThere(context, { ...request, imageId, earlier }, signal));
  return describeRestored(context, request, machine, signal);
}

async function launchThere(
  context: Ec2Context,
  request: RestoredLaunchRequest & { readonly imageId: string; readonly earlier: EarlierLaunch },
  signal: AbortSignal,
): Promise<OwnedInstance> {
  const { run, like, imageId, userData, earlier } = request;
  const { subnetId, fallbackInstanceTypes, ...connection } = await connectionOf(context, request, signal);
  return climb(
    context,
    {
      run,
      launching: [LAUNCH.role, LAUNCH.attempt],
      earlier,
      subnetId,
      instanceTypes: [like.instanceType, ...fallbackInstanceTypes],
      launch: (rung) =>
        runInstance(context, { run, ...LAUNCH, like, imageId, userData, subnetId, ...connection, ...rung }, signal),
    },
    signal,
  );
}

type Connection = Pick<
  InstanceRequest,
  'subnetId' | 'securityGroupIds' | 'address' | 'capacityReservation' | 'instanceProfile' | 'keyName'
> & { readonly fallbackInstanceTypes: readonly string[] };

/**
 * Where the machine is connected. The source's own address only where a profile asks for it: two machines with one address
 * are an accident that waits for a network between them.
 */
async function connectionOf(
  context: Ec2Context,
  { like, place }: RestoredLaunchRequest,
  signal: AbortSignal,
): Promise<Connection> {
  if (place.kind === 'isolated') {
    const { verifySubnetId, securityGroupId, fallbackInstanceTypes } = place.isolation;
    return {
      subnetId: verifySubnetId,
      securityGroupIds: [securityGroupId],
      address: { wanted: undefined, required: false },
      capacityReservation: 'none',
      fallbackInstanceTypes,
    };
  }
  const network = present(place.profile.network, 'network', `the profile ${place.profile.name}`);
  const { subnetId, privateAddress, instanceProfile, keyName, securityGroupIds, fallbackInstanceTypes } = network;
  const wanted =
    privateAddress === 'source' ? await sourceAddress(context, like.privateAddress, subnetId, signal) : undefined;
  return {
    subnetId,
    securityGroupIds,
    address: { wanted, required: wanted !== undefined },
    capacityReservation: 'open',
    ...(instanceProfile !== undefined && { instanceProfile }),
    ...(keyName !== undefined && { keyName }),
    fallbackInstanceTypes,
  };
}

async function sourceAddress(
  context: Ec2Context,
  wanted: string | undefined,
  subnetId: string,
  signal: AbortSignal,
): Promise<string> {
  const free = await chooseAddress(context, { wanted, subnetId }, signal);
  if (free !== undefined) return free;
  throw new PlatformError(
    'PlatformRefused',
    `The profile asks for the source's own address (${wanted ?? 'unknown'}), which is taken or not in ${subnetId}. Free it, or set privateAddress: 'any'.`,
  );
}

async function describeRestored(
  context: Ec2Context,
  { like }: RestoredLaunchRequest,
  { instance, owned: { id } }: OwnedInstance,
  signal: AbortSignal,
): Promise<RestoredMachine> {
  const wanted = new Map(like.volumes.map(({ deviceName, volumeId }) => [deviceName, volumeId]));
  return {
    machineId: id,
    instanceType: present(instance.InstanceType, 'InstanceType', id),
    zone: present(instance.Placement?.AvailabilityZone, 'Placement.AvailabilityZone', id),
    subnetId: present(instance.NetworkInterfaces?.[0]?.SubnetId, 'SubnetId', id),
    ...(instance.PrivateIpAddress !== undefined && { privateAddress: instance.PrivateIpAddress }),
    volumes: await machineVolumes(context, id, wanted, signal),
  };
}
