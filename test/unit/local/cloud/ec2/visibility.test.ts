import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import { askEc2, cloudInProcess, readElement } from '../../../../support/cloud-in-process.ts';

const LONG_MS = 3_600_000;
const kind = cloudInProcess({ describeLagMs: LONG_MS });
const strict = cloudInProcess({ describeLagMs: LONG_MS, lookupLagMs: LONG_MS });
let lenient: Cloud;
let unforgiving: Cloud;
beforeAll(async () => {
  lenient = await kind.open();
  unforgiving = await strict.open();
});
afterAll(() => {
  kind.end();
  strict.end();
});

async function newVolume(cloud: Cloud): Promise<string> {
  const create = { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1' };
  return readElement(await askEc2(cloud, create), 'volumeId');
}

test('a waiter, which ends at the first NotFound, knows what its client has just made; lists take their time', async () => {
  const id = await newVolume(lenient);
  expect(await askEc2(lenient, { Action: 'DescribeVolumes', 'VolumeId.1': id })).toContain(id);
  expect(await askEc2(lenient, { Action: 'DescribeVolumes' })).not.toContain(id);
  const filter = { 'Filter.1.Name': 'volume-id', 'Filter.1.Value.1': id };
  expect(await askEc2(lenient, { Action: 'DescribeVolumes', ...filter })).not.toContain(id);
});

test('a network that was just made is found by filters, as Ansible looks for it', async () => {
  await askEc2(lenient, { Action: 'CreateVpc', CidrBlock: '10.9.0.0/16' });
  const filter = { 'Filter.1.Name': 'cidr-block', 'Filter.1.Value.1': '10.9.0.0/16' };
  expect(await askEc2(lenient, { Action: 'DescribeVpcs', ...filter })).toContain('10.9.0.0/16');
});

test('a stricter cloud knows what is new by no way at all', async () => {
  const id = await newVolume(unforgiving);
  const lookup = askEc2(unforgiving, { Action: 'DescribeVolumes', 'VolumeId.1': id });
  await expect(lookup).rejects.toMatchObject({ code: 'InvalidVolume.NotFound' });
});
