import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../../local/cloud/cloud.ts';
import { askEc2, cloudInProcess, readElement } from '../../../../support/cloud-in-process.ts';

const home = cloudInProcess();
let cloud: Cloud;
let vpcId: string;
beforeAll(async () => {
  cloud = await home.open();
  vpcId = readElement(await askEc2(cloud, { Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
});
afterAll(() => home.end());

interface Case {
  readonly action: string;
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly other: Readonly<Record<string, string>>;
}

const tagged = (type: string) => ({
  'TagSpecification.1.ResourceType': type,
  'TagSpecification.1.Tag.1.Key': 'a',
  'TagSpecification.1.Tag.1.Value': 'b',
});
const endpoint = { VpcEndpointType: 'Interface', PrivateDnsEnabled: 'false' };

const CASES: readonly Case[] = [
  { action: 'CreateVolume', id: 'volumeId', fields: { AvailabilityZone: 'local-1a', Size: '1' }, other: { Size: '2' } },
  { action: 'CreateNetworkAcl', id: 'networkAclId', fields: {}, other: tagged('network-acl') },
  { action: 'CreateRouteTable', id: 'routeTableId', fields: {}, other: tagged('route-table') },
  {
    action: 'CreateVpcEndpoint',
    id: 'vpcEndpointId',
    fields: { ...endpoint, ServiceName: 'com.amazonaws.local-1.ssm' },
    other: { ServiceName: 'com.amazonaws.local-1.ssmmessages' },
  },
];

test.each(CASES)(
  '$action with one client token makes one thing, and no other',
  async ({ action, id, fields, other }) => {
    const network = action === 'CreateVolume' ? {} : { VpcId: vpcId };
    const ask = async (changes: object) =>
      readElement(await askEc2(cloud, { Action: action, ClientToken: 'one', ...network, ...fields, ...changes }), id);
    const first = await ask({});
    expect(await ask({})).toBe(first);
    expect(await ask({ DryRun: 'false' })).toBe(first);
    expect(await ask({ ClientToken: 'two' })).not.toBe(first);
    await expect(ask(other)).rejects.toMatchObject({ code: 'IdempotentParameterMismatch' });
  },
);
