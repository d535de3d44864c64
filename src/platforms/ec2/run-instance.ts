import { RunInstancesCommand, type RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { freeDeviceName } from '../../contract/device-names.ts';
import type { MachineFacts } from '../../contract/machine.ts';
import type { Run } from '../../contract/run.ts';
import type { Ec2Context } from './context.ts';
import { awsName } from './errors.ts';
import { make } from './make.ts';
import { present } from './narrow.ts';
import { runTags } from './tags.ts';

export interface InstanceRequest {
  readonly run: Run;
  readonly role: 'clone' | 'verify' | 'restored';
  readonly attempt: number;
  readonly like: MachineFacts;
  readonly imageId: string;
  readonly instanceType: string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  /** `wanted` undefined: any address of the subnet. */
  readonly address: { readonly wanted: string | undefined; readonly required: boolean };
  readonly capacityReservation: 'none' | 'open';
  readonly instanceProfile?: string;
  readonly keyName?: string;
  /** Absent for machines that nobody asks anything of. */
  readonly scratchSnapshotId?: string;
  readonly userData: Uint8Array;
  readonly clientToken: string;
}

/** One instance; the token makes it the same one when asked again. Not repeated by the SDK: capacity does not come in 100 ms. */
export async function runInstance(context: Ec2Context, request: InstanceRequest, signal: AbortSignal): Promise<string> {
  const { clients, log } = context;
  try {
    const answer = await make(context, `RunInstances ${request.instanceType} in ${request.subnetId}`, signal, () =>
      clients.ec2Once.send(new RunInstancesCommand(instanceFields(request))),
    );
    return present(answer.Instances?.[0]?.InstanceId, 'InstanceId', 'the launched machine');
  } catch (error) {
    if (
      awsName(error) === 'InvalidIPAddress.InUse' &&
      request.address.wanted !== undefined &&
      !request.address.required
    ) {
      log('address taken meanwhile', { address: request.address.wanted });
      // Another token, for the same token with other fields is refused.
      return runInstance(
        context,
        {
          ...request,
          address: { wanted: undefined, required: false },
          clientToken: `any-${request.clientToken}`.slice(0, 64),
        },
        signal,
      );
    }
    throw error;
  }
}

function instanceFields(request: InstanceRequest): RunInstancesCommandInput {
  const { run, role, like, attempt } = request;
  const Tags = runTags(run, role, { attempt });
  return {
    ImageId: request.imageId,
    InstanceType: request.instanceType as RunInstancesCommandInput['InstanceType'],
    MinCount: 1,
    MaxCount: 1,
    ClientToken: request.clientToken,
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: request.subnetId,
        Groups: [...request.securityGroupIds],
        AssociatePublicIpAddress: false,
        DeleteOnTermination: true,
        ...(request.address.wanted !== undefined && { PrivateIpAddress: request.address.wanted }),
      },
    ],
    ...(request.scratchSnapshotId !== undefined && {
      BlockDeviceMappings: [
        {
          DeviceName: scratchDevice(like),
          Ebs: { SnapshotId: request.scratchSnapshotId, VolumeType: 'gp3', DeleteOnTermination: true },
        },
      ],
    }),
    ...(request.instanceProfile !== undefined && { IamInstanceProfile: { Name: request.instanceProfile } }),
    ...(request.keyName !== undefined && { KeyName: request.keyName }),
    MetadataOptions: {
      HttpEndpoint: 'enabled',
      // As the source: an old agent that speaks only the first version would not boot to the end.
      HttpTokens: like.boot.metadataTokens,
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: 'disabled',
    },
    // The guest's own power-off must stop, not terminate: its disks are what this is for.
    InstanceInitiatedShutdownBehavior: 'stop',
    DisableApiTermination: false,
    DisableApiStop: false,
    // `none` for machines of an hour, which would eat a reservation that production counts on.
    CapacityReservationSpecification: { CapacityReservationPreference: request.capacityReservation },
    Monitoring: { Enabled: false },
    ...(/^t\d/.test(request.instanceType) && { CreditSpecification: { CpuCredits: 'standard' } }),
    UserData: Buffer.from(request.userData).toString('base64'),
    TagSpecifications: (['instance', 'volume', 'network-interface'] as const).map((ResourceType) => ({
      ResourceType,
      Tags,
    })),
  };
}

/** From f on, as EC2 advises for data volumes. */
const LETTERS = 'fghijklmnopqrstuvwxyz';

export function scratchDevice({ volumes }: MachineFacts): string {
  return freeDeviceName(LETTERS, volumes);
}
