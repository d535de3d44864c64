import { createHash } from 'node:crypto';
import { DescribeVolumesCommand, type Instance } from '@aws-sdk/client-ec2';
import type { OwnMachine } from '../../contract/machine.ts';
import { PlatformError } from '../../errors.ts';
import type { LaunchRequest } from '../platform.ts';
import { connectionChecks } from './connection.ts';
import type { Ec2Context } from './context.ts';
import { call, isCode } from './errors.ts';
import { ensureImage } from './image.ts';
import { terminateMachine } from './mutations.ts';
import { present } from './narrow.ts';
import { claimInstance, type OwnedInstance, ownedInstances } from './owned.ts';
import { chooseAddress } from './private-address.ts';
import { repeatUntil } from './repeat.ts';
import { runInstance, scratchDevice } from './run-instance.ts';
import { TAG, tagRecord } from './tags.ts';

/** EC2 starts a machine within a minute; volumes of encrypted snapshots take longer. */
const RUNNING_WITHIN_MS = 10 * 60_000;
/** A described instance shows its volumes a moment later. */
const VOLUMES_WITHIN_MS = 2 * 60_000;
/** A machine that RunInstances answered may not be found for a while (aws.md 13.29). */
const VISIBLE_WITHIN_MS = 2 * 60_000;

/** Launches, or adopts what an earlier attempt of the same number launched, and proves how it is connected. */
export async function launch(context: Ec2Context, request: LaunchRequest, signal: AbortSignal): Promise<OwnMachine> {
  const imageId = await ensureImage(context, request, signal);
  const earlier = await findAttempt(context, request, signal);
  const running = earlier ? await waitRunning(context, request, earlier, signal) : undefined;
  const machine = running ?? (await climb(context, { ...request, imageId }, signal));
  await mustBeIsolated(context, request, machine, signal);
  return describeOwn(context, { ...request, imageId }, machine.instance, signal);
}

async function findAttempt(context: Ec2Context, { run, role, attempt }: LaunchRequest, signal: AbortSignal) {
  const all = await ownedInstances(context, run, signal);
  return all.find(({ instance: { Tags, State } }) => {
    const tags = tagRecord(Tags);
    return tags[TAG.role] === role && tags[TAG.attempt] === String(attempt) && State?.Name !== 'shutting-down';
  });
}

/** The source's own type first, then the allowed others: each rung has a token of its own (aws.md 13.1). */
async function climb(
  context: Ec2Context,
  request: LaunchRequest & { readonly imageId: string },
  signal: AbortSignal,
): Promise<OwnedInstance> {
  const { like, isolation, role } = request;
  const subnetId = role === 'clone' ? isolation.subnetId : isolation.verifySubnetId;
  const types = [...new Set([like.instanceType, ...isolation.fallbackInstanceTypes])];
  const address = await chooseAddress(context, { wanted: like.privateAddress, subnetId }, signal);
  let last: unknown;
  for (const instanceType of types) {
    try {
      const id = await runInstance(
        context,
        { ...request, instanceType, subnetId, address, clientToken: token(request, instanceType, subnetId) },
        signal,
      );
      const claimed = await waitVisible(context, request, id, signal);
      const running = await waitRunning(context, request, claimed, signal);
      if (running) return running;
      last = new PlatformError('InsufficientCapacity', `${instanceType} was given up by EC2 for want of capacity.`);
    } catch (error) {
      if (!isCode(error, 'InsufficientCapacity')) throw error;
      context.log('no capacity', { instanceType, subnetId });
      last = error;
    }
  }
  throw new PlatformError(
    'InsufficientCapacity',
    `No capacity in ${subnetId} for ${types.join(', ')}. Try later, or list other types in the isolation profile (fallbackInstanceTypes).`,
    { cause: last },
  );
}

/** At most 64 ASCII characters (API_RunInstances, ClientToken). */
function token({ run, role, attempt }: LaunchRequest, instanceType: string, subnetId: string): string {
  return createHash('sha256')
    .update([run.runId, role, attempt, instanceType, subnetId].join('\n'))
    .digest('hex')
    .slice(0, 64);
}

function waitVisible(
  context: Ec2Context,
  { run }: LaunchRequest,
  id: string,
  signal: AbortSignal,
): Promise<OwnedInstance> {
  return repeatUntil(context, { limitMs: VISIBLE_WITHIN_MS, what: `instance ${id} to show` }, signal, async () => {
    try {
      return await claimInstance(context, run, id, signal);
    } catch (error) {
      if (isCode(error, 'InstanceNotFound', 'ResourceNotOurs')) return undefined; // its tags may lag, too
      throw error;
    }
  });
}

/** Undefined when EC2 gave the machine up for want of capacity: the next rung's turn. */
function waitRunning(
  context: Ec2Context,
  { run }: LaunchRequest,
  { owned }: OwnedInstance,
  signal: AbortSignal,
): Promise<OwnedInstance | undefined> {
  const limit = { limitMs: RUNNING_WITHIN_MS, what: `instance ${owned.id} to run` };
  return repeatUntil<{ machine: OwnedInstance | undefined }>(context, limit, signal, async () => {
    const machine = await claimInstance(context, run, owned.id, signal);
    const state = machine.instance.State?.Name;
    // A short-lived machine may have run and powered itself off between two looks.
    if (state === 'running' || state === 'stopping' || state === 'stopped') return { machine };
    if (state === 'pending') return undefined;
    const code = machine.instance.StateReason?.Code ?? 'no reason';
    if (code === 'Server.InsufficientInstanceCapacity') return { machine: undefined };
    throw new PlatformError(
      code === 'Server.InternalError' ? 'PlatformUnreachable' : 'PlatformRefused',
      `The instance ${owned.id} went from pending to ${state}: ${code}: ${machine.instance.StateReason?.Message ?? ''} Check the KMS keys of its snapshots.`,
      { context: { machineId: owned.id } },
    );
  }).then(({ machine }) => machine);
}

/** A machine that is connected in any other way is ended at once. */
async function mustBeIsolated(
  context: Ec2Context,
  { isolation, role }: LaunchRequest,
  machine: OwnedInstance,
  signal: AbortSignal,
): Promise<void> {
  const subnetId = role === 'clone' ? isolation.subnetId : isolation.verifySubnetId;
  const checks = connectionChecks(machine.instance, { subnetId, securityGroupId: isolation.securityGroupId });
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
  { like, role, attempt, imageId }: LaunchRequest & { readonly imageId: string },
  instance: Instance,
  signal: AbortSignal,
): Promise<OwnMachine> {
  const machineId = present(instance.InstanceId, 'InstanceId', 'a launched machine');
  const wanted = new Map(like.volumes.map(({ deviceName, volumeId }) => [deviceName, volumeId]));
  wanted.set(scratchDevice(like), 'scratch');
  const volumes = await repeatUntil(
    context,
    { limitMs: VOLUMES_WITHIN_MS, what: `the volumes of ${machineId}` },
    signal,
    async () => {
      const found = await ownVolumes(context, machineId, wanted, signal);
      return Object.keys(found).length === wanted.size ? found : undefined;
    },
  );
  return {
    machineId,
    imageId,
    role,
    attempt,
    instanceType: present(instance.InstanceType, 'InstanceType', machineId),
    zone: present(instance.Placement?.AvailabilityZone, 'Placement.AvailabilityZone', machineId),
    ...(instance.PrivateIpAddress !== undefined && { privateAddress: instance.PrivateIpAddress }),
    volumes,
  };
}

/** By source volume id; device names are the only link between a machine's volumes and its source's. */
async function ownVolumes(
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
