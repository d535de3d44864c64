import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import type { InstanceRecord } from '../../../../../local/cloud/records.ts';
import { askEc2, cloudInProcess, readElement } from '../../../../support/cloud-in-process.ts';

const STOPPED = 'i-0123456789abcdef0';
const RUNNING = 'i-0fedcba9876543210';

const home = cloudInProcess();
let cloud: Cloud;
let root: string;
let data: string;
beforeAll(async () => {
  cloud = await home.open();
  const facts = { createdAt: 0, tags: {}, zone: 'local-1a', volumeIds: [], ephemeral: [], rootDevice: '/dev/xvda' };
  const made = { ...facts, type: 't3.small', architecture: 'x86_64', virtualization: 'hvm', enaSupport: true };
  const put = (id: string, state: string) =>
    cloud.db.instances.put({ ...made, id, state } as unknown as InstanceRecord);
  put(STOPPED, 'stopped');
  put(RUNNING, 'running');
  root = await newDisk('/dev/xvda');
  data = await newDisk('/dev/sdf');
});
afterAll(() => home.end());

async function newDisk(Device: string): Promise<string> {
  const create = { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1', VolumeType: 'gp3' };
  const VolumeId = readElement(await askEc2(cloud, create), 'volumeId');
  await askEc2(cloud, { Action: 'AttachVolume', VolumeId, InstanceId: STOPPED, Device });
  return VolumeId;
}

const modify = (InstanceId: string, change: object) =>
  askEc2(cloud, { Action: 'ModifyInstanceAttribute', InstanceId, ...change });
const attribute = (Attribute: string, InstanceId = STOPPED) =>
  askEc2(cloud, { Action: 'DescribeInstanceAttribute', InstanceId, Attribute });

test.each([
  { name: 'disableApiTermination', change: { 'DisableApiTermination.Value': 'true' }, shown: '<value>true</value>' },
  { name: 'disableApiTermination', change: { Attribute: 'disableApiTermination', Value: 'false' }, shown: 'false' },
  { name: 'instanceType', change: { 'InstanceType.Value': 't3.large' }, shown: 't3.large' },
  { name: 'userData', change: { 'UserData.Value': 'aGVsbG8=' }, shown: 'aGVsbG8=' },
  { name: 'ebsOptimized', change: { 'EbsOptimized.Value': 'true' }, shown: 'true' },
  {
    name: 'instanceInitiatedShutdownBehavior',
    change: { 'InstanceInitiatedShutdownBehavior.Value': 'terminate' },
    shown: 'terminate',
  },
])('$name is changed by $change and shown afterwards', async ({ name, change, shown }) => {
  await modify(STOPPED, change);
  expect(await attribute(name)).toContain(shown);
});

test('a device that is to outlive its machine is shown so', async () => {
  const mapping = {
    'BlockDeviceMapping.1.DeviceName': '/dev/sdf',
    'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
  };
  await modify(STOPPED, mapping);
  expect(await attribute('blockDeviceMapping')).toMatch(/sdf.*<deleteOnTermination>true</);
  const unknown = { ...mapping, 'BlockDeviceMapping.1.DeviceName': '/dev/sdz' };
  await expect(modify(STOPPED, unknown)).rejects.toMatchObject({ code: 'InvalidInstanceAttributeValue' });
});

test.each([
  { change: { 'InstanceType.Value': 't3.large' }, code: 'IncorrectInstanceState' },
  { change: { 'UserData.Value': 'aGVsbG8=' }, code: 'IncorrectInstanceState' },
  { change: {}, code: 'InvalidParameterCombination' },
  { change: { 'EbsOptimized.Value': 'true', 'InstanceType.Value': 't3.large' }, code: 'InvalidParameterCombination' },
  { change: { 'GroupId.1': 'sg-0123456789abcdef0' }, code: 'UnsupportedOperation' },
  { change: { Attribute: 'kernel', Value: 'aki-1' }, code: 'InvalidParameterValue' },
])('of a running machine, $change is refused with $code', async ({ change, code }) => {
  await expect(modify(RUNNING, change)).rejects.toMatchObject({ code });
  expect(cloud.db.instances.get(RUNNING)).toMatchObject({ type: 't3.small' });
});

test.each(['kernel', 'ramdisk', 'sriovNetSupport', 'groupSet', 'enclaveOptions', 'productCodes'])(
  'the attribute %s is known, if only as one that is not there',
  async (name) => {
    expect(await attribute(name)).toContain(STOPPED);
  },
);

test('an image of a stopped machine has its disks, is pending as long as they are, and goes with them', async () => {
  const create = { Action: 'CreateImage', InstanceId: STOPPED, Name: 'as it is' };
  const tags = { 'TagSpecification.1.ResourceType': 'snapshot', 'TagSpecification.1.Tag.1.Key': 'by' };
  const ImageId = readElement(await askEc2(cloud, { ...create, ...tags }), 'imageId');
  const shown = () => askEc2(cloud, { Action: 'DescribeImages', 'ImageId.1': ImageId });
  expect(await shown()).toContain('<imageState>pending</imageState>');
  const launch = { Action: 'RunInstances', ImageId, MinCount: '1', MaxCount: '1', SubnetId: await newSubnet() };
  await expect(askEc2(cloud, launch)).rejects.toMatchObject({ code: 'InvalidAMIID.Unavailable' });
  await expect.poll(shown, { timeout: 10_000 }).toContain('<imageState>available</imageState>');
  expect(await shown()).toMatch(/\/dev\/xvda.*\/dev\/sdf/);
  const snapshots = cloud.db.snapshots.all();
  expect(snapshots.map(({ volumeId }) => volumeId).sort()).toEqual([root, data].sort());
  expect(snapshots[0]).toMatchObject({
    tags: { by: '' },
    description: `Created by CreateImage(${STOPPED}) for ${ImageId}`,
  });
  await expect(askEc2(cloud, create)).rejects.toMatchObject({ code: 'InvalidAMIName.Duplicate' });
  const gone = await askEc2(cloud, { Action: 'DeregisterImage', ImageId, DeleteAssociatedSnapshots: 'true' });
  expect(gone).toContain('<returnCode>success</returnCode>');
  expect(cloud.db.snapshots.all().filter(({ state }) => state !== 'deleted')).toEqual([]);
});

async function newSubnet(): Promise<string> {
  const VpcId = readElement(await askEc2(cloud, { Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
  return readElement(await askEc2(cloud, { Action: 'CreateSubnet', VpcId, CidrBlock: '10.0.0.0/24' }), 'subnetId');
}

test('no image is made of a running machine that EC2 would reboot for it', async () => {
  const create = { Action: 'CreateImage', InstanceId: RUNNING, Name: 'rebooted' };
  await expect(askEc2(cloud, create)).rejects.toThrow(/does not implement .* without NoReboot/);
});
