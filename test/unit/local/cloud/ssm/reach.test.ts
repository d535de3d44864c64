import { expect, test } from 'vitest';
import { type Cloud, openRecords, type Records } from '../../../../../local/cloud/cloud.ts';
import { DENY_ALL_ENTRIES, OPEN_ENTRIES } from '../../../../../local/cloud/ec2/acls.ts';
import type { InstanceRecord, InterfaceRecord } from '../../../../../local/cloud/records.ts';
import { Settings } from '../../../../../local/cloud/settings.ts';
import { reachesSystemsManager } from '../../../../../local/cloud/ssm/reach.ts';
import { Store } from '../../../../../local/cloud/store.ts';

const FRESH = { createdAt: 0, tags: {} };
const HTTPS = { protocol: 'tcp', fromPort: 443, toPort: 443, cidrs: [], cidrs6: [] };

/** A machine in one subnet and both endpoints in another, with everything that an agent needs. */
function world() {
  const db = openRecords(new Store(':memory:'));
  const settings = Settings.parse({ keys: [{ name: 'k', accessKeyId: 'AKID', secretAccessKey: 'secret-secret' }] });
  const now = () => 60_000;
  db.vpcs.put({ ...FRESH, id: 'vpc-1', cidr: '10.0.0.0/16', dnsSupport: true, dnsHostnames: true });
  const group = { ...FRESH, vpcId: 'vpc-1', description: '', ingress: [], egress: [] };
  db.groups.put({ ...group, id: 'sg-1', name: 'machines', egress: [{ ...HTTPS, groups: [{ groupId: 'sg-2' }] }] });
  db.groups.put({ ...group, id: 'sg-2', name: 'doors', ingress: [{ ...HTTPS, groups: [{ groupId: 'sg-1' }] }] });
  putCard(db, { id: 'eni-1', instanceId: 'i-1', subnetId: 'subnet-1', privateIp: '10.0.1.5', groupIds: ['sg-1'] });
  for (const service of ['ssm', 'ssmmessages']) {
    const card = { id: `eni-${service}`, subnetId: 'subnet-2', privateIp: '10.0.2.5', groupIds: ['sg-2'] };
    putCard(db, { ...card, endpointId: `vpce-${service}` });
    db.endpoints.put({
      ...FRESH,
      id: `vpce-${service}`,
      vpcId: 'vpc-1',
      serviceName: `com.amazonaws.local-1.${service}`,
      subnetIds: ['subnet-2'],
      groupIds: ['sg-2'],
      interfaceIds: [`eni-${service}`],
      privateDns: true,
      policy: JSON.stringify({ Statement: { Effect: 'Allow', Action: [`${service}:*`], Principal: '*' } }),
    });
  }
  putAcl(db, 'subnet-1', [tcp(100, true, '10.0.2.0/24'), tcp(100, false, '10.0.2.0/24'), ...DENY_ALL_ENTRIES]);
  putAcl(db, 'subnet-2', OPEN_ENTRIES);
  const instance = { id: 'i-1', vpcId: 'vpc-1', interfaceId: 'eni-1', profile: 'agent' } as InstanceRecord;
  return { db, instance, cloud: { db, settings, now } as unknown as Cloud };
}

function putCard(db: Records, card: Omit<InterfaceRecord, keyof typeof FRESH | 'vpcId' | 'mac' | 'attachmentId'>) {
  db.interfaces.put({ ...FRESH, vpcId: 'vpc-1', mac: '', attachmentId: '', ...card });
}

function putAcl(db: Records, subnetId: string, entries: Parameters<Records['acls']['put']>[0]['entries']) {
  const associations = [{ id: `a-${subnetId}`, subnetId }];
  db.acls.put({ ...FRESH, id: `acl-${subnetId}`, vpcId: 'vpc-1', isDefault: false, entries, associations });
}

function tcp(number: number, egress: boolean, cidr: string) {
  return { number, egress, allow: true, protocol: '6', cidr };
}

test('a machine with a profile reaches Systems Manager by the endpoints of its network', () => {
  const { cloud, instance } = world();
  expect(reachesSystemsManager(cloud, instance)).toBe(true);
});

const MISSING: Readonly<Record<string, (db: Records) => void>> = {
  'the endpoint for ssm': (db) => db.endpoints.remove('vpce-ssm'),
  'the endpoint for ssmmessages': (db) => db.endpoints.remove('vpce-ssmmessages'),
  'name resolution': (db) => db.vpcs.update('vpc-1', { dnsSupport: false }),
  'host names': (db) => db.vpcs.update('vpc-1', { dnsHostnames: false }),
  'a private name of the endpoint': (db) => db.endpoints.update('vpce-ssm', { privateDns: false }),
  'an endpoint that is ready': (db) => db.endpoints.update('vpce-ssm', { createdAt: 59_990 }),
  'a policy that lets the agent in': (db) =>
    db.endpoints.update('vpce-ssm', { policy: '{"Statement":{"Effect":"Allow","Action":"ssm:GetParameter"}}' }),
  'a way out of its group': (db) => db.groups.update('sg-1', { egress: [] }),
  'a way into the endpoints’ group': (db) => db.groups.update('sg-2', { ingress: [] }),
  'a way out through its access list': (db) =>
    putAcl(db, 'subnet-1', [tcp(100, false, '10.0.2.0/24'), ...DENY_ALL_ENTRIES]),
  'a way back through its access list': (db) =>
    putAcl(db, 'subnet-1', [tcp(100, true, '10.0.2.0/24'), ...DENY_ALL_ENTRIES]),
};

test.each(Object.keys(MISSING))('without %s it does not', (what) => {
  const { db, cloud, instance } = world();
  MISSING[what]?.(db);
  expect(reachesSystemsManager(cloud, instance)).toBe(false);
});

test('without an instance profile it does not', () => {
  const { cloud, instance } = world();
  const { profile: _profile, ...bare } = instance;
  expect(reachesSystemsManager(cloud, bare)).toBe(false);
});
