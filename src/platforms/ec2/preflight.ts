import { CreateSnapshotsCommand, type Instance } from '@aws-sdk/client-ec2';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import type { Check } from '../../contract/check.ts';
import type { MachineFacts } from '../../contract/machine.ts';
import type { AcceptedRisk } from '../../contract/names.ts';
import type { PreflightRequest } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { readInstance } from './describe-machine.ts';
import { awsName, call, isCode } from './errors.ts';
import { findInstanceType } from './instance-type.ts';
import { TAG } from './tags.ts';
import { volumeRoomCheck } from './volume-room.ts';

/** An instance's volumes in one set (EC2 user guide, "Multi-volume snapshots"). */
const MAX_VOLUMES = 40;

/** Policies may demand the run's tag on creation, so the dry run carries one. */
const DRY_RUN_TAGS = [
  { Key: TAG.run, Value: 'dry-run' },
  { Key: TAG.role, Value: 'capture' },
];

/** Whether a machine can be captured whole, permissions and keys included. Nothing is changed: DryRun at most. */
export async function preflight(
  context: Ec2Context,
  request: PreflightRequest,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { machine } = request;
  const { instance } = await readInstance(context, machine.machineId, signal);
  return [
    ...machineChecks(machine, instance),
    volumeRoomCheck(request, await findInstanceType(context, machine.instanceType, signal)),
    ...riskChecks(request),
    ...(await keyChecks(context, request, signal)),
    await snapshotPermitted(context, machine.machineId, signal),
  ];
}

function machineChecks(machine: MachineFacts, instance: Instance): readonly Check[] {
  const { machineId, boot, volumes } = machine;
  const detached = (instance.BlockDeviceMappings ?? []).filter(
    ({ Ebs }) => Ebs?.Status !== undefined && Ebs.Status !== 'attached',
  );
  return [
    check(
      'instance-running',
      machine.state === 'running',
      `${machineId} is ${machine.state}`,
      'Start the instance, or back up its volumes directly.',
    ),
    check(
      'platform-linux',
      !/windows|sql server/i.test(boot.platformDetails),
      `the platform is ${boot.platformDetails}`,
      'Only Linux machines can be backed up so far.',
    ),
    check(
      'hibernation-off',
      instance.HibernationOptions?.Configured !== true,
      instance.HibernationOptions?.Configured === true ? 'hibernation is enabled' : 'hibernation is not enabled',
      'EC2 makes no snapshots of instances that may hibernate. Launch a replacement without hibernation.',
    ),
    check(
      'root-on-ebs',
      instance.RootDeviceType === 'ebs' && volumes.some(({ root }) => root),
      `the root device ${boot.rootDeviceName} is ${instance.RootDeviceType ?? 'unknown'}`,
      'A root device on instance store cannot be captured.',
    ),
    check(
      'boot-facts',
      boot.virtualization === 'hvm',
      `${boot.architecture}, ${boot.virtualization}, ${boot.bootMode ?? 'default boot mode'}`,
      'Paravirtual machines cannot be cloned.',
    ),
    check(
      'volumes-attached',
      volumes.length > 0 && volumes.length <= MAX_VOLUMES && detached.length === 0,
      detached.length > 0
        ? `${detached.map(({ DeviceName, Ebs }) => `${DeviceName} is ${Ebs?.Status}`).join(', ')}`
        : `${volumes.length} volumes are attached`,
      `Wait until every volume is attached; at most ${MAX_VOLUMES} fit one capture.`,
    ),
  ];
}

/** What a capture cannot hold: refused unless a person accepted it by name. */
function riskChecks({ machine, accept }: PreflightRequest): readonly Check[] {
  const shared = machine.volumes.filter(({ multiAttach }) => multiAttach).map(({ volumeId }) => volumeId);
  return [
    risk('instance-store', machine.uncapturedDevices, 'no capture holds these devices', accept),
    risk('multi-attach', shared, 'other machines may write to these volumes', accept),
    risk('product-codes', machine.productCodes, 'the licence may forbid a clone', accept),
  ];
}

function risk(name: AcceptedRisk, items: readonly string[], meaning: string, accept: readonly AcceptedRisk[]): Check {
  if (items.length === 0) return { name, verdict: 'holds', found: 'none' };
  const found = `${items.join(', ')}: ${meaning}`.slice(0, 200);
  if (accept.includes(name)) return { name, verdict: 'accepted', found };
  return {
    name,
    verdict: 'broken',
    found,
    remedy: `Add "${name}" to the request's "accept" if you can do without; the recovery point then says so.`,
  };
}

async function keyChecks(
  context: Ec2Context,
  { machine, isolation }: PreflightRequest,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const keys = new Set(machine.volumes.flatMap(({ kmsKeyId }) => kmsKeyId ?? []));
  if (isolation.kmsKeyId !== undefined) keys.add(isolation.kmsKeyId);
  if (keys.size === 0)
    return [{ name: 'volume-keys', verdict: 'holds', found: 'no volume is encrypted with a key of its own' }];
  return Promise.all([...keys].map((key) => keyCheck(context, key, signal)));
}

async function keyCheck({ clients }: Ec2Context, keyId: string, signal: AbortSignal): Promise<Check> {
  const remedy = 'Enable the key and grant the worker kms:DescribeKey, kms:CreateGrant and kms:Decrypt on it.';
  try {
    const answer = await call(`DescribeKey ${keyId}`, signal, () =>
      clients.kms.send(new DescribeKeyCommand({ KeyId: keyId }), { abortSignal: signal }),
    );
    const state = answer.KeyMetadata?.KeyState ?? 'unknown';
    return check('volume-keys', state === 'Enabled', `the key ${keyId} is ${state}`, remedy);
  } catch (error) {
    if (!isCode(error, 'AccessDenied', 'ResourceMissing', 'PlatformRefused')) throw error;
    return {
      name: 'volume-keys',
      verdict: 'broken',
      found: `the key ${keyId} cannot be read: ${awsName(error)}`,
      remedy,
    };
  }
}

/** EC2 answers a permitted dry run by the error DryRunOperation. */
async function snapshotPermitted({ clients }: Ec2Context, machineId: string, signal: AbortSignal): Promise<Check> {
  const name = 'snapshot-permitted';
  const remedy =
    'Grant the worker ec2:CreateSnapshots on the instance, its volumes and ::snapshot/*, and ec2:CreateTags on ::snapshot/*.';
  const command = new CreateSnapshotsCommand({
    InstanceSpecification: { InstanceId: machineId },
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: DRY_RUN_TAGS }],
    DryRun: true,
  });
  try {
    await call(`CreateSnapshots of ${machineId} (dry run)`, signal, () =>
      clients.ec2Once.send(command, { abortSignal: signal }),
    );
    return {
      name,
      verdict: 'broken',
      found: 'the dry run was not recognized as one',
      remedy: 'Report this endpoint: DryRun must not be ignored.',
    };
  } catch (error) {
    if (awsName(error) === 'DryRunOperation')
      return { name, verdict: 'holds', found: 'CreateSnapshots is permitted (dry run)' };
    if (!isCode(error, 'AccessDenied', 'PlatformRefused')) throw error;
    return { name, verdict: 'broken', found: `CreateSnapshots is refused: ${awsName(error)}`, remedy };
  }
}

function check(name: string, isHolding: boolean, found: string, remedy: string): Check {
  return isHolding
    ? { name, verdict: 'holds', found: found.slice(0, 200) }
    : { name, verdict: 'broken', found: found.slice(0, 200), remedy };
}
