import {
  DescribeInstancesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceTerminated,
} from '@aws-sdk/client-ec2';
import { waitForApplications } from '../../local/up/applications.ts';
import { readMachine } from '../../local/up/cloud-control.ts';
import { must, named } from '../../local/up/named.ts';
import { waitUntil } from '../../local/up/wait-until.ts';
import type { TestLab } from './test-lab.ts';

const RUNNING_LIMIT_MS = 60_000;
const TERMINATED_LIMIT_S = 120;

export interface ExtraMachine extends AsyncDisposable {
  readonly instanceId: string;
}

/** A second production machine, with one more volume when asked; resolves when its applications answer. */
export async function launchExtraMachine(
  { aws: { ec2 }, lab }: TestLab,
  { name, snapshotId }: { readonly name: string; readonly snapshotId?: string },
): Promise<ExtraMachine> {
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({ InstanceIds: [lab.status.production.instanceId] }),
  );
  const { ImageId, SubnetId, SecurityGroups } = must(Reservations[0]?.Instances?.[0], 'the production machine');
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      ImageId,
      SubnetId,
      SecurityGroupIds: (SecurityGroups ?? []).map(({ GroupId }) => must(GroupId, 'GroupId')),
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
      TagSpecifications: named('instance', name),
      ...(snapshotId !== undefined && {
        BlockDeviceMappings: [
          { DeviceName: '/dev/sdg', Ebs: { SnapshotId: snapshotId, VolumeType: 'gp3', DeleteOnTermination: true } },
        ],
      }),
    }),
  );
  const instanceId = must(Instances[0]?.InstanceId, 'InstanceId');
  const { postgresql, redis } = await waitUntil(() => openPorts(lab.status.control, instanceId), {
    what: `${instanceId} runs`,
    limitMs: RUNNING_LIMIT_MS,
  });
  await waitForApplications({ postgresql, redis });
  return {
    instanceId,
    async [Symbol.asyncDispose]() {
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
      await waitUntilInstanceTerminated(
        { client: ec2, maxWaitTime: TERMINATED_LIMIT_S, minDelay: 1, maxDelay: 1 },
        { InstanceIds: [instanceId] },
      );
    },
  };
}

async function openPorts(control: string, instanceId: string) {
  const { ports } = await readMachine(control, instanceId);
  const [postgresql, redis] = [ports['5432'], ports['6379']];
  return postgresql === undefined || redis === undefined ? undefined : { postgresql, redis };
}
