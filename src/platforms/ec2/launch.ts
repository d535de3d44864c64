import type { Instance } from '@aws-sdk/client-ec2';
import type { OwnMachine } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { LaunchRequest } from '../platform.ts';
import { connectionChecks, expectedConnection } from './connection.ts';
import type { Ec2Context } from './context.ts';
import { type EarlierLaunch, findEarlierLaunch } from './earlier-launch.ts';
import { ensureImage } from './image.ts';
import { climb } from './ladder.ts';
import { machineVolumes } from './machine-volumes.ts';
import { terminateMachine } from './mutations.ts';
import { present } from './narrow.ts';
import type { OwnedInstance } from './owned.ts';
import { chooseAddress } from './private-address.ts';
import { runInstance, scratchDevice } from './run-instance.ts';
import { waitRunning } from './wait-running.ts';

/** Launches, or adopts what an earlier attempt of the same number launched, and proves how it is connected. */
export async function launch(context: Ec2Context, request: LaunchRequest, signal: AbortSignal): Promise<OwnMachine> {
  const imageId = await ensureImage(context, request, signal);
  const earlier = await findEarlierLaunch(context, request, signal);
  const running = earlier.alive ? await waitRunning(context, request.run, earlier.alive, signal) : undefined;
  const machine = running ?? (await launchIsolated(context, { ...request, imageId, earlier }, signal));
  await mustBeIsolated(context, request, machine, signal);
  return describeOwn(context, { ...request, imageId }, machine.instance, signal);
}

async function launchIsolated(
  context: Ec2Context,
  request: LaunchRequest & { readonly imageId: string; readonly earlier: EarlierLaunch },
  signal: AbortSignal,
): Promise<OwnedInstance> {
  const { run, like, isolation, role, attempt, earlier } = request;
  const subnetId = role === 'clone' ? isolation.subnetId : isolation.verifySubnetId;
  const address = await chooseAddress(context, { wanted: like.privateAddress, subnetId }, signal);
  return climb(
    context,
    {
      run,
      launching: [role, attempt],
      earlier,
      subnetId,
      instanceTypes: [like.instanceType, ...isolation.fallbackInstanceTypes],
      launch: (rung) =>
        runInstance(
          context,
          {
            ...request,
            ...rung,
            subnetId,
            securityGroupIds: [isolation.securityGroupId],
            address: { wanted: address, required: false },
            capacityReservation: 'none',
            ...(isolation.instanceProfile !== undefined && { instanceProfile: isolation.instanceProfile }),
          },
          signal,
        ),
    },
    signal,
  );
}

/** A machine that is connected in any other way is ended at once. */
async function mustBeIsolated(
  context: Ec2Context,
  { isolation, role }: LaunchRequest,
  machine: OwnedInstance,
  signal: AbortSignal,
): Promise<void> {
  const checks = connectionChecks(machine.instance, expectedConnection(isolation, role));
  const broken = checks.filter(({ verdict }) => verdict === 'broken');
  if (broken.length === 0) return;
  await terminateMachine(context, machine.owned, signal);
  throw new PlatformError(
    'IsolationBroken',
    `The machine ${machine.owned.id} was not connected as asked and was ended: ${broken.map(({ name, found }) => `${name}: ${found}`).join('; ')}.`,
    { context: { machineId: machine.owned.id } },
  );
}

async function describeOwn(
  context: Ec2Context,
  { like, role, attempt, isolation, imageId }: LaunchRequest & { readonly imageId: string },
  instance: Instance,
  signal: AbortSignal,
): Promise<OwnMachine> {
  const machineId = present(instance.InstanceId, 'InstanceId', 'a launched machine');
  const wanted = new Map(like.volumes.map(({ deviceName, volumeId }) => [deviceName, volumeId]));
  wanted.set(scratchDevice(like), 'scratch');
  return {
    machineId,
    imageId,
    role,
    attempt,
    instanceType: present(instance.InstanceType, 'InstanceType', machineId),
    zone: present(instance.Placement?.AvailabilityZone, 'Placement.AvailabilityZone', machineId),
    ...(instance.PrivateIpAddress !== undefined && { privateAddress: instance.PrivateIpAddress }),
    ...(isolation.kind === 'endpoints-only' && { channel: 'run-command' as const }),
    volumes: await machineVolumes(context, machineId, wanted, signal),
  };
}
