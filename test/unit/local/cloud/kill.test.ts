import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Cloud } from '../../../../local/cloud/cloud.ts';
import { askEc2, type CloudInProcess, cloudInProcess, readElement } from '../../../support/cloud-in-process.ts';

let home: CloudInProcess;
let cloud: Cloud;
let vpcId: string;
let subnetId: string;

beforeEach(async () => {
  home = cloudInProcess();
  cloud = await home.open();
  vpcId = readElement(await askEc2(cloud, { Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId');
  const subnet = { Action: 'CreateSubnet', VpcId: vpcId, CidrBlock: '10.0.1.0/24' };
  subnetId = readElement(await askEc2(cloud, subnet), 'subnetId');
});
afterEach(() => home.end());

/** The next call ends where it writes a record of this kind, as if the process had been killed there. */
function endAtWriteOf(kind: string): void {
  for (const [event, row] of [
    ['INSERT', 'NEW'],
    ['DELETE', 'OLD'],
  ]) {
    cloud.store.database.exec(
      `CREATE TRIGGER killed_${event} BEFORE ${event} ON record WHEN ${row}.kind = '${kind}'
       BEGIN SELECT RAISE(ABORT, 'killed'); END`,
    );
  }
}

/** What a cloud that starts on the same folder remembers. */
async function remembered() {
  cloud = await home.open();
  cloud.store.database.exec('DROP TRIGGER IF EXISTS killed_INSERT; DROP TRIGGER IF EXISTS killed_DELETE');
  const { acls, groups, routeTables, subnets, vpcs } = cloud.db;
  return JSON.stringify([acls, groups, routeTables, subnets, vpcs].map((collection) => collection.all()));
}

const last = () => cloud.db.acls.all().find(({ associations }) => associations.length > 0);

test.each([
  { action: 'CreateVpc', ends: 'route-table', fields: () => ({ CidrBlock: '10.1.0.0/16' }) },
  { action: 'CreateVpc', ends: 'security-group', fields: () => ({ CidrBlock: '10.1.0.0/16' }) },
  { action: 'CreateVpc', ends: 'network-acl', fields: () => ({ CidrBlock: '10.1.0.0/16' }) },
  { action: 'CreateVpc', ends: 'vpc', fields: () => ({ CidrBlock: '10.1.0.0/16' }) },
  { action: 'CreateSubnet', ends: 'network-acl', fields: () => ({ VpcId: vpcId, CidrBlock: '10.0.2.0/24' }) },
  { action: 'DeleteSubnet', ends: 'route-table', fields: () => ({ SubnetId: subnetId }) },
  { action: 'DeleteSubnet', ends: 'subnet', fields: () => ({ SubnetId: subnetId }) },
])('$action leaves nothing when it is killed at its $ends', async ({ action, ends, fields }) => {
  const before = await remembered();
  endAtWriteOf(ends);
  await expect(askEc2(cloud, { Action: action, ...fields() })).rejects.toThrow('killed');
  expect(await remembered()).toBe(before);
});

test('a network that is deleted is there whole or not at all', async () => {
  await askEc2(cloud, { Action: 'DeleteSubnet', SubnetId: subnetId });
  const before = await remembered();
  endAtWriteOf('vpc');
  await expect(askEc2(cloud, { Action: 'DeleteVpc', VpcId: vpcId })).rejects.toThrow('killed');
  expect(await remembered()).toBe(before);
});

test('a subnet has a network ACL at every moment of its change', async () => {
  const created = await askEc2(cloud, { Action: 'CreateNetworkAcl', VpcId: vpcId });
  const NetworkAclId = readElement(created, 'networkAclId');
  const before = await remembered();
  // At its second record: the first is the list that it leaves.
  cloud.store.database.exec(
    `CREATE TRIGGER killed_INSERT BEFORE INSERT ON record WHEN NEW.id = '${NetworkAclId}'
     BEGIN SELECT RAISE(ABORT, 'killed'); END`,
  );
  const move = { Action: 'ReplaceNetworkAclAssociation', AssociationId: String(last()?.associations[0]?.id) };
  await expect(askEc2(cloud, { ...move, NetworkAclId })).rejects.toThrow('killed');
  expect(await remembered()).toBe(before);
});

test('a volume that was being made when the cloud was killed is made at its next start', async () => {
  const create = { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1' };
  const killed = askEc2(cloud, create).catch(() => undefined);
  const [volume] = cloud.db.volumes.all();
  expect(volume).toMatchObject({ state: 'creating' });
  cloud = await home.open();
  await killed;
  await cloud.machines.inTurn(String(volume?.id), async () => undefined); // it is made in its turn
  expect(cloud.db.volumes.get(String(volume?.id))).toMatchObject({ state: 'available' });
  expect(existsSync(String(volume?.layers[0]))).toBe(true);
});
