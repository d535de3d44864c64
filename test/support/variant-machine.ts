import { readFile } from 'node:fs/promises';
import {
  DescribeInstancesCommand,
  type Instance,
  RunInstancesCommand,
  type Tag,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { waitForApplications } from '../../local/up/applications.ts';
import { readMachine } from '../../local/up/cloud-control.ts';
import { must } from '../../local/up/named.ts';
import { serialShows } from './machine-console.ts';
import type { TestLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

export interface VariantWish {
  /** A file of `test/support/guests`: user data that changes the machine at its first start. */
  readonly guest?: string;
  /** Assignments of the script that are empty in the file: shell words without quotes. */
  readonly values?: Readonly<Record<string, string>>;
  readonly tags?: readonly Tag[];
  /** Snapshot of one more volume. */
  readonly extraSnapshotId?: string;
}

export interface VariantMachine extends AsyncDisposable {
  readonly instanceId: string;
  readonly volumeIds: readonly string[];
  readonly privateAddress: string;
}

const EXTRA_DEVICE = '/dev/sdg';
const GONE_LIMIT_MS = 60_000;

/** Production's like beside it, changed by its own user data; its clones then are what the user data made of it. */
export async function launchVariant(lab: Pick<TestLab, 'aws' | 'lab'>, wish: VariantWish): Promise<VariantMachine> {
  const { control, production } = lab.lab.status;
  const instanceId = await runVariant(lab, await readInstance(lab, production.instanceId), wish);
  const end = () => terminate(lab, instanceId);
  try {
    const { ports } = await waitFor(
      async () => {
        const machine = await readMachine(control, instanceId);
        return machine.state === 'running' ? machine : undefined;
      },
      { limitMs: 60_000, what: `${instanceId} runs` },
    );
    await serialShows({
      control,
      instanceId,
      pattern: wish.guest ? /user data: script ended with 0/ : /user data: none/,
    });
    await waitForApplications({ postgresql: must(ports['5432'], 'port'), redis: must(ports['6379'], 'port') });
    const { BlockDeviceMappings = [], PrivateIpAddress } = await readInstance(lab, instanceId);
    return {
      instanceId,
      volumeIds: BlockDeviceMappings.map(({ Ebs }) => must(Ebs?.VolumeId, 'VolumeId')),
      privateAddress: must(PrivateIpAddress, 'PrivateIpAddress'),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function runVariant(lab: Pick<TestLab, 'aws'>, production: Instance, wish: VariantWish): Promise<string> {
  const { guest, tags, extraSnapshotId } = wish;
  const { Instances = [] } = await lab.aws.ec2.send(
    new RunInstancesCommand({
      ImageId: production.ImageId,
      InstanceType: production.InstanceType,
      MinCount: 1,
      MaxCount: 1,
      SubnetId: production.SubnetId,
      SecurityGroupIds: (production.SecurityGroups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
      MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
      ...(guest && { UserData: Buffer.from(await readGuest(guest, wish.values)).toString('base64') }),
      ...(tags && {
        TagSpecifications: (['instance', 'volume'] as const).map((ResourceType) => ({ ResourceType, Tags: [...tags] })),
      }),
      ...(extraSnapshotId && {
        BlockDeviceMappings: [
          { DeviceName: EXTRA_DEVICE, Ebs: { SnapshotId: extraSnapshotId, DeleteOnTermination: true } },
        ],
      }),
    }),
  );
  return must(Instances[0]?.InstanceId, 'InstanceId');
}

async function readGuest(name: string, values: VariantWish['values'] = {}): Promise<string> {
  let script = await readFile(new URL(`./guests/${name}`, import.meta.url), 'utf8');
  for (const [variable, value] of Object.entries(values)) {
    const filled = script.replace(new RegExp(`^${variable}=$`, 'm'), `${variable}='${value}'`);
    if (filled === script) throw new Error(`${name} has no line "${variable}=" to fill in`);
    script = filled;
  }
  return script;
}

async function readInstance({ aws }: Pick<TestLab, 'aws'>, instanceId: string): Promise<Instance> {
  const { Reservations = [] } = await aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
  return must(Reservations[0]?.Instances?.[0], instanceId);
}

/** Gone means gone: a variant posts to the ledger as production does, and other tests count what arrives there. */
async function terminate({ aws, lab }: Pick<TestLab, 'aws' | 'lab'>, instanceId: string): Promise<void> {
  await aws.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
  await waitFor(
    async () => ((await readMachine(lab.status.control, instanceId)).state === 'terminated' ? true : undefined),
    { limitMs: GONE_LIMIT_MS, what: `${instanceId} is terminated` },
  );
}
