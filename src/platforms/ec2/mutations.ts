import {
  CreateSnapshotCommand,
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DeregisterImageCommand,
  type Snapshot,
  type SnapshotInfo,
  StopInstancesCommand,
  type Tag,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { CancelCommandCommand, SendCommandCommand } from '@aws-sdk/client-ssm';
import type { Ec2Context } from './context.ts';
import { call } from './errors.ts';
import { make } from './make.ts';
import { present } from './narrow.ts';
import type { Owned } from './owned.ts';

/** Every call that changes or ends something that exists. Each takes an Owned id; no other file sends these commands. */
export async function stopMachine(
  { clients }: Ec2Context,
  { id }: Owned<'instance'>,
  signal: AbortSignal,
): Promise<void> {
  await call(`StopInstances ${id}`, signal, () =>
    clients.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }), { abortSignal: signal }),
  );
}

export async function terminateMachine(
  { clients }: Ec2Context,
  { id }: Owned<'instance'>,
  signal: AbortSignal,
): Promise<void> {
  await call(`TerminateInstances ${id}`, signal, () =>
    clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }), { abortSignal: signal }),
  );
}

export async function deregisterImage(
  { clients }: Ec2Context,
  { id }: Owned<'image'>,
  signal: AbortSignal,
): Promise<void> {
  await call(`DeregisterImage ${id}`, signal, () =>
    clients.ec2.send(new DeregisterImageCommand({ ImageId: id }), { abortSignal: signal }),
  );
}

export async function deleteSnapshot(
  { clients }: Ec2Context,
  { id }: Owned<'snapshot'>,
  signal: AbortSignal,
): Promise<void> {
  await call(`DeleteSnapshot ${id}`, signal, () =>
    clients.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }), { abortSignal: signal }),
  );
}

export async function deleteVolume(
  { clients }: Ec2Context,
  { id }: Owned<'volume'>,
  signal: AbortSignal,
): Promise<void> {
  await call(`DeleteVolume ${id}`, signal, () =>
    clients.ec2.send(new DeleteVolumeCommand({ VolumeId: id }), { abortSignal: signal }),
  );
}

export interface MachineSnapshotRequest {
  readonly machine: Owned<'instance'>;
  readonly excludeVolumeIds: readonly string[];
  readonly tags: Tag[];
  readonly description: string;
}

/** Snapshots of a machine of ours, all at one instant. No token exists for it: sent once, found again by volume and tag. */
export async function snapshotMachine(
  context: Ec2Context,
  { machine, excludeVolumeIds, tags, description }: MachineSnapshotRequest,
  signal: AbortSignal,
): Promise<readonly SnapshotInfo[]> {
  const command = new CreateSnapshotsCommand({
    InstanceSpecification: {
      InstanceId: machine.id,
      ...(excludeVolumeIds.length > 0 && { ExcludeDataVolumeIds: [...excludeVolumeIds] }),
    },
    Description: description,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: tags }],
  });
  const answer = await make(context, `CreateSnapshots of ${machine.id}`, signal, () =>
    context.clients.ec2Once.send(command),
  );
  return answer.Snapshots ?? [];
}

export interface VolumeSnapshotRequest {
  readonly volume: Owned<'volume'>;
  readonly tags: Tag[];
  readonly description: string;
}

/** The same for one volume. */
export async function snapshotVolume(
  context: Ec2Context,
  { volume, tags, description }: VolumeSnapshotRequest,
  signal: AbortSignal,
): Promise<Snapshot> {
  const command = new CreateSnapshotCommand({
    VolumeId: volume.id,
    Description: description,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: tags }],
  });
  return make(context, `CreateSnapshot of ${volume.id}`, signal, () => context.clients.ec2Once.send(command));
}

export interface ScriptRequest {
  readonly machine: Owned<'instance'>;
  readonly script: string;
  /** By which a command whose answer was lost is found again. */
  readonly comment: string;
  readonly executionSeconds: number;
}

/** An agent that is Online takes a command within seconds; what nobody takes in 5 minutes must not start later. */
const DELIVERY_SECONDS = 300;

/**
 * The document that runs it: Amazon's own, whose name nobody else can take, at its only version so far. The hash is what
 * DescribeDocument says of that version, in every region we know of since 2017: another text under this name and version is
 * refused by Systems Manager instead of run as root.
 */
const DOCUMENT = {
  DocumentName: 'AWS-RunShellScript',
  DocumentVersion: '1',
  DocumentHash: '99749de5e62f71e5ebe9a55c2321e2c394796afe7208cff048696541e6f6771e',
  DocumentHashType: 'Sha256',
} as const;

/** Runs a script as root in a machine of ours; answers with the command's id. No token exists for it either. */
export async function sendScript(
  context: Ec2Context,
  { machine, script, comment, executionSeconds }: ScriptRequest,
  signal: AbortSignal,
): Promise<string> {
  const command = new SendCommandCommand({
    InstanceIds: [machine.id],
    ...DOCUMENT,
    Parameters: { commands: script.split('\n'), executionTimeout: [String(executionSeconds)] },
    TimeoutSeconds: DELIVERY_SECONDS,
    Comment: comment,
  });
  const answer = await make(context, `SendCommand to ${machine.id}`, signal, () =>
    context.clients.ssmOnce.send(command),
  );
  return present(answer.Command?.CommandId, 'CommandId', `the command to ${machine.id}`);
}

/** Best effort, as Systems Manager has it: what runs may go on. */
export async function cancelScript(
  { clients }: Ec2Context,
  { id }: Owned<'instance'>,
  commandId: string,
  signal: AbortSignal,
): Promise<void> {
  await call(`CancelCommand ${commandId}`, signal, () =>
    clients.ssm.send(new CancelCommandCommand({ CommandId: commandId, InstanceIds: [id] }), { abortSignal: signal }),
  );
}
