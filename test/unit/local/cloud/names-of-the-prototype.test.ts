import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../local/cloud/cloud.ts';
import { ec2Service } from '../../../../local/cloud/ec2/service.ts';
import { kmsService } from '../../../../local/cloud/kms/service.ts';
import { createApiServer } from '../../../../local/cloud/server.ts';
import { ssmService } from '../../../../local/cloud/ssm/service.ts';
import { canonicalRequest } from '../../../../local/cloud/wire/sigv4.ts';
import { ask, askEc2, cloudInProcess, readElement } from '../../../support/cloud-in-process.ts';

const home = cloudInProcess();
let cloud: Cloud;
beforeAll(async () => {
  cloud = await home.open();
});
afterAll(() => home.end());

const NAMES = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];

test.each(NAMES)('a service has no action "%s": what an object inherits is not served', async (name) => {
  const json = (target: string) => ({ headers: { 'x-amz-target': `${target}.${name}` }, body: Buffer.from('{}') });
  await expect(ask(kmsService, cloud, json('TrentService'))).rejects.toMatchObject({
    code: 'UnknownOperationException',
  });
  await expect(ask(ssmService, cloud, json('AmazonSSM'))).rejects.toMatchObject({ code: 'UnknownOperationException' });
  await expect(ask(ec2Service, cloud, { body: Buffer.from(`Action=${name}`) })).rejects.toMatchObject({
    code: 'InvalidAction',
  });
});

test.each(NAMES)('a signature for a service "%s" is refused, not answered by an object', async (name) => {
  const server = createApiServer(cloud).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const scope = `AKIDROOT00000000/20260101/local-1/${name}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: { authorization } });
  server.close();
  expect({ status: answer.status, text: await answer.text() }).toEqual({
    status: 403,
    text: expect.stringContaining(`no service '${name}'`),
  });
});

test('a signed header that the request lacks is missing, whatever its name', () => {
  const request = { method: 'GET', target: '/', headers: { host: 'a' }, body: Buffer.alloc(0) };
  for (const name of NAMES) expect(() => canonicalRequest(request, ['host', name], '')).toThrow(/is missing/);
});

test.each(NAMES)('there is no instance type "%s"', async (name) => {
  const fields = { Action: 'DescribeInstanceTypes', 'InstanceType.1': name };
  await expect(askEc2(cloud, fields)).rejects.toMatchObject({ code: 'InvalidInstanceType' });
});

test.each(NAMES)('"%s" is a legal tag key: kept, shown, found, and only where it was given', async (name) => {
  const create = { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1' };
  await askEc2(cloud, create);
  const given = { 'TagSpecification.1.ResourceType': 'volume', 'TagSpecification.1.Tag.1.Key': name };
  const made = await askEc2(cloud, { ...create, ...given, 'TagSpecification.1.Tag.1.Value': 'mine' });
  const id = readElement(made, 'volumeId');
  const found = await askEc2(cloud, {
    Action: 'DescribeVolumes',
    'Filter.1.Name': `tag:${name}`,
    'Filter.1.Value.1': '*',
  });
  expect(found.match(/vol-[0-9a-f]{17}/g)).toEqual([id]);
  expect(found).toContain(`<key>${name}</key><value>mine</value>`);
});
