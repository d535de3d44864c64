import { expect, test } from 'vitest';
import type { RestorePlace } from '../../../../src/contract/resolved-restore.ts';
import { PlatformError } from '../../../../src/errors.ts';
import { removeRunResources } from '../../../../src/platforms/ec2/clean-up.ts';
import { createVolume } from '../../../../src/platforms/ec2/create-volume.ts';
import { launchRestored } from '../../../../src/platforms/ec2/launch-restored.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { ISOLATION, machineFacts, writtenSnapshot } from '../../../support/fake-activities.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;
const facts = machineFacts('i-production');
const like = {
  ...facts,
  privateAddress: '10.0.0.77',
  volumes: facts.volumes.map((volume, n) => (n === 0 ? volume : { ...volume, type: 'io2', iops: 9_000 })),
};
const snapshots = like.volumes.map(writtenSnapshot);
const isolated: RestorePlace = { kind: 'isolated', isolation: ISOLATION };
const named: RestorePlace = {
  kind: 'named',
  profile: {
    name: 'staging',
    network: {
      subnetId: 'subnet-1',
      securityGroupIds: ['sg-a', 'sg-b'],
      instanceProfile: 'app',
      keyName: 'ops',
      privateAddress: 'any',
      fallbackInstanceTypes: [],
    },
  },
};

/** Tags of this run's own, with a role and a name. */
function tags(role: string, name = ''): string {
  const all = { deployment: 'deployment', run: run.runId, role, name };
  const items = Object.entries(all).map(
    ([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`,
  );
  return `<tagSet>${items.join('')}</tagSet>`;
}

const instance = (state: string) =>
  `<reservationSet><item><instancesSet><item><instanceId>i-new</instanceId><instanceType>t3.micro</instanceType>
   <instanceState><name>${state}</name></instanceState><placement><availabilityZone>x-1a</availabilityZone></placement>
   <networkInterfaceSet><item><subnetId>subnet-2</subnetId></item></networkInterfaceSet>${tags('restored')}</item></instancesSet></item></reservationSet>`;
const attached = (id: string, device: string) =>
  `<item><volumeId>${id}</volumeId><attachmentSet><item><instanceId>i-new</instanceId><device>${device}</device></item></attachmentSet></item>`;
const subnet = '<subnetSet><item><subnetId>subnet-1</subnetId><cidrBlock>10.0.0.0/24</cidrBlock></item></subnetSet>';

function launching(place: RestorePlace, answers: Readonly<Record<string, string>> = {}) {
  return answerEc2((action, calls) => {
    const has = (other: string) => calls.some((call) => call.get('Action') === other);
    const image = `<imagesSet><item><imageId>ami-1</imageId><name>understudy-${run.runId}-restored</name><imageState>available</imageState>${tags('image')}</item></imagesSet>`;
    const bodies: Record<string, string> = {
      DescribeImages: has('RegisterImage') ? image : '',
      RegisterImage: '<imageId>ami-1</imageId>',
      RunInstances: '<instancesSet><item><instanceId>i-new</instanceId></item></instancesSet>',
      DescribeInstances: has('RunInstances') ? instance('running') : '',
      DescribeVolumes: `<volumeSet>${attached('vol-a', '/dev/sda')}${attached('vol-b', '/dev/sdb')}</volumeSet>`,
      DescribeSubnets: subnet,
      ...answers,
    };
    return bodies[action] ?? '';
  }).then((ec2) => ({
    ...ec2,
    launched: () => launchRestored(ec2.context, { run, like, snapshots, place, userData: new Uint8Array() }, NEVER),
  }));
}

test("a restored machine in the isolated network never takes the source's address, and has no profile and no key", async () => {
  const { launched, of } = await launching(isolated);
  expect(await launched()).toMatchObject({ machineId: 'i-new', volumes: { 'vol-0a': 'vol-a', 'vol-0b': 'vol-b' } });
  const fields = Object.fromEntries(of('RunInstances')[0] ?? []);
  expect(fields).toMatchObject({
    'NetworkInterface.1.SubnetId': 'subnet-2',
    'NetworkInterface.1.SecurityGroupId.1': 'sg-1',
    'CapacityReservationSpecification.CapacityReservationPreference': 'none',
  });
  const never = /KeyName|IamInstanceProfile|PrivateIpAddress|BlockDeviceMapping/;
  expect(Object.keys(fields).filter((name) => never.test(name))).toEqual([]);
});

test('a profile for another network decides groups, instance profile and key, and still no address of the source', async () => {
  const { launched, of } = await launching(named);
  await launched();
  const fields = Object.fromEntries(of('RunInstances')[0] ?? []);
  expect(fields).toMatchObject({
    'NetworkInterface.1.SubnetId': 'subnet-1',
    'NetworkInterface.1.SecurityGroupId.2': 'sg-b',
    'IamInstanceProfile.Name': 'app',
    KeyName: 'ops',
    'CapacityReservationSpecification.CapacityReservationPreference': 'open',
  });
  expect(fields).not.toHaveProperty('NetworkInterface.1.PrivateIpAddress');
});

test("the source's address is taken where the profile says so, and nothing is launched while somebody has it", async () => {
  const place = asksForAddress();
  const free = await launching(place);
  await free.launched();
  expect(Object.fromEntries(free.of('RunInstances')[0] ?? [])).toMatchObject({
    'NetworkInterface.1.PrivateIpAddress': '10.0.0.77',
  });
  const taken = {
    DescribeNetworkInterfaces:
      '<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId></item></networkInterfaceSet>',
  };
  const busy = await launching(place, taken);
  await expect(busy.launched()).rejects.toThrow(PlatformError);
  await expect(busy.launched()).rejects.toThrow(/is taken or not in subnet-1/);
  expect(busy.of('RunInstances')).toEqual([]);
});

function asksForAddress(): RestorePlace {
  if (named.kind !== 'named' || !named.profile.network) throw new TypeError('the profile above has a network');
  return {
    kind: 'named',
    profile: { ...named.profile, network: { ...named.profile.network, privateAddress: 'source' } },
  };
}

test('volumes of a restored machine are of the types that the source had', async () => {
  const { launched, of } = await launching(isolated);
  await launched();
  expect(Object.fromEntries(of('RegisterImage')[0] ?? [])).toMatchObject({
    'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
    'BlockDeviceMapping.2.Ebs.VolumeType': 'io2',
    'BlockDeviceMapping.2.Ebs.Iops': '9000',
  });
});

test('a volume is made once, by its token and by its tags', async () => {
  const [, volume = like.volumes[0]] = like.volumes;
  const [, snapshot = snapshots[0]] = snapshots;
  if (!volume || !snapshot) throw new TypeError('the machine above has two volumes');
  const { context, of } = await answerEc2((action, calls) => {
    const made = calls.some((call) => call.get('Action') === 'CreateVolume');
    if (action === 'CreateVolume') return '<volumeId>vol-new</volumeId>';
    if (action !== 'DescribeVolumes' || !made) return '';
    return `<volumeSet><item><volumeId>vol-new</volumeId><status>available</status>${tags('restored', volume.volumeId)}</item></volumeSet>`;
  });
  const request = { run, volume, snapshot, zone: 'x-1b' };
  const first = await createVolume(context, request, NEVER);
  expect(await createVolume(context, request, NEVER)).toEqual(first);
  expect(of('CreateVolume')).toHaveLength(1);
  const fields = Object.fromEntries(of('CreateVolume')[0] ?? []);
  expect(fields).toMatchObject({
    SnapshotId: 'snap-vol-0b',
    AvailabilityZone: 'x-1b',
    VolumeType: 'io2',
    Iops: '9000',
  });
  expect(fields.ClientToken).toMatch(/^[0-9a-f]{64}$/);
  // The snapshot is encrypted, so the volume is; naming it again could only contradict.
  expect(Object.keys(fields).filter((name) => /Encrypted|KmsKeyId|^Size/.test(name))).toEqual([]);
});

test.each([
  { keepRestored: true, ended: [], volumes: [], what: 'a restore that ended well keeps its machine and volumes' },
  { keepRestored: false, ended: ['i-new'], volumes: ['vol-new'], what: 'one that failed removes them' },
])('$what; snapshots and image go either way', async ({ keepRestored, ended, volumes }) => {
  const { context, of } = await answerEc2((action, calls) => {
    const has = (other: string) => calls.some((call) => call.get('Action') === other);
    const bodies: Record<string, string> = {
      DescribeInstances: instance(has('TerminateInstances') ? 'terminated' : 'running'),
      DescribeImages: `<imagesSet><item><imageId>ami-1</imageId>${tags('image')}</item></imagesSet>`,
      DescribeSnapshots: `<snapshotSet><item><snapshotId>snap-1</snapshotId>${tags('restored')}</item></snapshotSet>`,
      DescribeVolumes: `<volumeSet><item><volumeId>vol-new</volumeId>${tags('restored')}</item></volumeSet>`,
    };
    return bodies[action] ?? '';
  });
  const removal = { run, done: keepRestored, keepCapture: false, replacedCaptures: 'keep', keepRestored } as const;
  await removeRunResources(context, removal, NEVER);
  const removed = (action: string, field: string) => [...new Set(of(action).flatMap((call) => call.get(field) ?? []))];
  expect(removed('TerminateInstances', 'InstanceId.1')).toEqual(ended);
  expect(removed('DeleteVolume', 'VolumeId')).toEqual(volumes);
  expect(removed('DeregisterImage', 'ImageId')).toEqual(['ami-1']);
  expect(removed('DeleteSnapshot', 'SnapshotId')).toEqual(['snap-1']);
  // Of a run that was cut short something may show only later.
  expect(of('DescribeImages')).toHaveLength(keepRestored ? 1 : 2);
});
