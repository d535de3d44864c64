import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import type { InstanceRecord } from '../../../../../local/cloud/records.ts';
import { askEc2, cloudInProcess, readElement } from '../../../../support/cloud-in-process.ts';

const INSTANCE = 'i-0123456789abcdef0';
const OTHER = 'i-0fedcba9876543210';

const home = cloudInProcess();
let cloud: Cloud;
beforeAll(async () => {
  cloud = await home.open();
  for (const id of [INSTANCE, OTHER]) {
    const facts = { id, createdAt: 0, tags: {}, state: 'stopped', zone: 'local-1a', volumeIds: [] };
    cloud.db.instances.put(facts as unknown as InstanceRecord);
  }
});
afterAll(() => home.end());

async function newVolume(): Promise<string> {
  const create = { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1' };
  return readElement(await askEc2(cloud, create), 'volumeId');
}

test('a volume is attached once, and detached only from where it is', async () => {
  const VolumeId = await newVolume();
  const place = { VolumeId, InstanceId: INSTANCE, Device: '/dev/sdg' };
  const detach = (from: object) => askEc2(cloud, { Action: 'DetachVolume', VolumeId, ...from });
  await expect(detach({})).rejects.toMatchObject({ code: 'IncorrectState' });
  await askEc2(cloud, { Action: 'AttachVolume', ...place });
  const again = { Action: 'AttachVolume', ...place, InstanceId: OTHER };
  await expect(askEc2(cloud, again)).rejects.toMatchObject({ code: 'VolumeInUse' });
  await expect(detach({ InstanceId: OTHER })).rejects.toMatchObject({ code: 'InvalidAttachment.NotFound' });
  await expect(detach({ Device: '/dev/sdh' })).rejects.toMatchObject({ code: 'InvalidAttachment.NotFound' });
  await detach(place);
  expect(cloud.db.volumes.get(VolumeId)).toMatchObject({ state: 'available' });
});

test('tag values have up to 256 characters, whatever their bytes, and keys 127', async () => {
  const id = await newVolume();
  const tag = (Key: string, Value: string) =>
    askEc2(cloud, { Action: 'CreateTags', 'ResourceId.1': id, 'Tag.1.Key': Key, 'Tag.1.Value': Value });
  await tag('🚀'.repeat(127), '🚀'.repeat(256));
  await expect(tag('a', 'v'.repeat(257))).rejects.toMatchObject({ code: 'InvalidParameterValue' });
  await expect(tag('k'.repeat(128), '')).rejects.toMatchObject({ code: 'InvalidParameterValue' });
});

test('DeleteTags takes away what it names, and without names everything', async () => {
  const id = await newVolume();
  const tag = { 'ResourceId.1': id, 'Tag.1.Key': 'a', 'Tag.1.Value': '1', 'Tag.2.Key': 'b', 'Tag.2.Value': '2' };
  await askEc2(cloud, { Action: 'CreateTags', ...tag });
  await askEc2(cloud, { Action: 'DeleteTags', 'ResourceId.1': id, 'Tag.1.Key': 'a', 'Tag.1.Value': 'other' });
  expect(cloud.db.volumes.get(id)?.tags).toEqual({ a: '1', b: '2' });
  await askEc2(cloud, { Action: 'DeleteTags', 'ResourceId.1': id, 'Tag.1.Key': 'a' });
  expect(cloud.db.volumes.get(id)?.tags).toEqual({ b: '2' });
  await askEc2(cloud, { Action: 'DeleteTags', 'ResourceId.1': id });
  expect(cloud.db.volumes.get(id)?.tags).toEqual({});
});

const TCP = { IpProtocol: 'tcp', FromPort: '1', ToPort: '2', 'IpRanges.1.CidrIp': '0.0.0.0/0' };

test.each([
  { rule: TCP, taken: true },
  { rule: { ...TCP, IpProtocol: '6', FromPort: '3', ToPort: '3' }, taken: true },
  { rule: { IpProtocol: 'icmp', FromPort: '-1', ToPort: '-1', 'IpRanges.1.CidrIp': '10.0.0.0/8' }, taken: true },
  { rule: { IpProtocol: '-1', 'Ipv6Ranges.1.CidrIpv6': '::/0' }, taken: true },
  { rule: { ...TCP, 'IpRanges.1.CidrIp': 'everybody' }, taken: false },
  { rule: { ...TCP, 'IpRanges.1.CidrIp': '10.0.0.1/8' }, taken: false },
  { rule: { ...TCP, 'Ipv6Ranges.1.CidrIpv6': '::/129' }, taken: false },
  { rule: { ...TCP, ToPort: '65536' }, taken: false },
  { rule: { ...TCP, FromPort: '9' }, taken: false },
  { rule: { IpProtocol: 'tcp', 'IpRanges.1.CidrIp': '0.0.0.0/0' }, taken: false },
  { rule: { ...TCP, IpProtocol: 'tpc' }, taken: false },
])('a rule of a security group $rule is taken: $taken', async ({ rule, taken }) => {
  const VpcId = readElement(await askEc2(cloud, { Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
  const group = { Action: 'CreateSecurityGroup', GroupName: 'g', GroupDescription: 'd', VpcId };
  const GroupId = readElement(await askEc2(cloud, group), 'groupId');
  const fields = Object.entries(rule).map(([name, value]) => [`IpPermissions.1.${name}`, value]);
  const add = askEc2(cloud, { Action: 'AuthorizeSecurityGroupIngress', GroupId, ...Object.fromEntries(fields) });
  if (taken) expect(await add).toContain('<return>true</return>');
  else await expect(add).rejects.toMatchObject({ code: 'InvalidParameterValue' });
});

test('a rule without a list around it is the rule inside one', async () => {
  const VpcId = readElement(await askEc2(cloud, { Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
  const group = { Action: 'CreateSecurityGroup', GroupName: 'old', GroupDescription: 'd', VpcId };
  const GroupId = readElement(await askEc2(cloud, group), 'groupId');
  const rule = { GroupId, IpProtocol: 'tcp', FromPort: '22', ToPort: '22', CidrIp: '10.0.0.0/8' };
  await askEc2(cloud, { Action: 'AuthorizeSecurityGroupIngress', ...rule });
  const inList = { 'IpPermissions.1.IpProtocol': 'tcp', 'IpPermissions.1.IpRanges.1.CidrIp': '10.0.0.0/8' };
  const ports = { 'IpPermissions.1.FromPort': '22', 'IpPermissions.1.ToPort': '22' };
  const revoke = { Action: 'RevokeSecurityGroupIngress', GroupId, ...inList, ...ports };
  await expect(askEc2(cloud, { ...revoke, ...rule })).rejects.toMatchObject({ code: 'InvalidParameterCombination' });
  expect(await askEc2(cloud, revoke)).toContain('<return>true</return>');
  const nothing = { Action: 'AuthorizeSecurityGroupIngress', GroupId };
  await expect(askEc2(cloud, nothing)).rejects.toMatchObject({ code: 'MissingParameter' });
});

test.each([
  { action: 'DescribeAddresses', ask: {}, answer: '<addressesSet/>' },
  { action: 'DescribeKeyPairs', ask: { IncludePublicKey: 'true' }, answer: '<keySet/>' },
  { action: 'GetEbsEncryptionByDefault', ask: {}, answer: '<ebsEncryptionByDefault>false<' },
])('$action answers what is true: nobody can change it here', async ({ action, ask, answer }) => {
  expect(await askEc2(cloud, { Action: action, ...ask })).toContain(answer);
});

test('a key pair that is named does not exist', async () => {
  const named = { Action: 'DescribeKeyPairs', 'KeyName.1': 'mine' };
  await expect(askEc2(cloud, named)).rejects.toMatchObject({ code: 'InvalidKeyPair.NotFound' });
});

test('our snapshots are ours alone: none is public, and nobody else may restore one', async () => {
  const create = { Action: 'CreateSnapshot', VolumeId: await newVolume() };
  const id = readElement(await askEc2(cloud, create), 'snapshotId');
  await expect.poll(() => cloud.db.snapshots.get(id)?.state, { timeout: 10_000 }).toBe('completed');
  const isShown = async (ask: object) => (await askEc2(cloud, { Action: 'DescribeSnapshots', ...ask })).includes(id);
  expect(await isShown({ 'Owner.1': 'self', 'RestorableBy.1': 'all' })).toBe(false);
  expect(await isShown({ 'Owner.1': 'self', 'RestorableBy.1': '111111111111' })).toBe(false);
  expect(await isShown({ 'Owner.1': 'amazon' })).toBe(false);
  expect(await isShown({ 'RestorableBy.1': 'self' })).toBe(true);
  expect(await isShown({ 'Owner.1': 'self' })).toBe(true);
});

test('a value that EC2 has and this cloud has not is no mistake of the request', async () => {
  const launch = { Action: 'RunInstances', ImageId: 'ami-0123456789abcdef0', MinCount: '2', MaxCount: '2' };
  const refused = {
    code: 'UnsupportedOperation',
    message: expect.stringContaining('MinCount with another value than 1'),
  };
  await expect(askEc2(cloud, launch)).rejects.toMatchObject(refused);
});

test('a list may be counted from 0, as libcloud does', async () => {
  const id = await newVolume();
  await askEc2(cloud, {
    Action: 'CreateTags',
    'ResourceId.0': id,
    'Tag.0.Key': 'a',
    'Tag.0.Value': '1',
    'Tag.1.Key': 'b',
  });
  expect(cloud.db.volumes.get(id)?.tags).toEqual({ a: '1', b: '' });
});

test('terraform’s and other clients’ questions about images are answered: none is deprecated, disabled or shared', async () => {
  const list = {
    Action: 'DescribeImages',
    IncludeDeprecated: 'false',
    IncludeDisabled: 'true',
    'ExecutableBy.1': 'self',
  };
  expect(await askEc2(cloud, list)).toContain('<imagesSet/>');
});
