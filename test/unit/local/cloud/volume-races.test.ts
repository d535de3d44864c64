import { setImmediate as immediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../../local/cloud/cloud.ts';
import { inVolumeTurn } from '../../../../local/cloud/ec2/volume-turn.ts';
import type { InstanceRecord, SnapshotRecord } from '../../../../local/cloud/records.ts';
import { askEc2, cloudInProcess, readElement } from '../../../support/cloud-in-process.ts';

const home = cloudInProcess({ snapshots: { pendingMs: 3_600_000 } });
let cloud: Cloud;
beforeAll(async () => {
  cloud = await home.open();
});
afterAll(() => home.end());

async function newVolume(): Promise<string> {
  const made = await askEc2(cloud, { Action: 'CreateVolume', AvailabilityZone: 'local-1a', Size: '1' });
  return readElement(made, 'volumeId');
}

test('a volume is deleted after the capture of it that is under way, which is whole', async () => {
  const VolumeId = await newVolume();
  const capture = askEc2(cloud, { Action: 'CreateSnapshot', VolumeId });
  const deletion = askEc2(cloud, { Action: 'DeleteVolume', VolumeId });
  const snapshotId = readElement(await capture, 'snapshotId');
  expect(await deletion).toContain('<return>true</return>');
  expect(cloud.db.snapshots.get(snapshotId)).toMatchObject({ state: 'pending' });
});

test('a volume that is still being made is deleted once it is there', async () => {
  const creation = newVolume();
  const known = cloud.db.volumes.all().find(({ state }) => state === 'creating');
  await askEc2(cloud, { Action: 'DeleteVolume', VolumeId: String(known?.id) });
  expect(await creation).toBe(known?.id);
  expect(cloud.db.volumes.get(String(known?.id))).toBeUndefined();
});

test('a volume is attached after the capture of it that is under way, so the machine starts from its new layer', async () => {
  const VolumeId = await newVolume();
  cloud.db.instances.put({
    id: 'i-0123456789abcdef0',
    createdAt: 0,
    tags: {},
    state: 'stopped',
    zone: 'local-1a',
    volumeIds: [],
  } as unknown as InstanceRecord);
  const capture = askEc2(cloud, { Action: 'CreateSnapshot', VolumeId });
  const device = { InstanceId: 'i-0123456789abcdef0', Device: '/dev/sdg' };
  await askEc2(cloud, { Action: 'AttachVolume', VolumeId, ...device });
  expect(cloud.db.volumes.get(VolumeId)).toMatchObject({ state: 'in-use', layers: { length: 2 } });
  await capture;
});

test('who waited for a volume’s own turn while it was attached goes on in the turn of its machine', async () => {
  const VolumeId = await newVolume();
  const order: string[] = [];
  const attached = cloud.machines.inTurn(VolumeId, async () => {
    const attachment = { instanceId: 'i-1', device: '/dev/sdh', attachedAt: 0, deleteOnTermination: false };
    cloud.db.volumes.update(VolumeId, { attachment });
  });
  const machine = Promise.withResolvers<void>();
  const busy = cloud.machines.inTurn('i-1', async () => {
    await machine.promise;
    order.push('machine');
  });
  const captured = inVolumeTurn(cloud, VolumeId, async ({ attachment }) => order.push(String(attachment?.instanceId)));
  await attached;
  await immediate(); // whatever could go on by now has
  machine.resolve();
  await Promise.all([busy, captured]);
  expect(order).toEqual(['machine', 'i-1']);
});

test('a cloud whose last capture lost its volume starts, and the capture never was', async () => {
  const gone = { id: 'snap-1', createdAt: 0, tags: {}, state: 'capturing', startedAt: 0, volumeId: 'vol-1' };
  const frozen = { layers: [], newLayer: `${home.stateDir}/qemu-img` };
  cloud.db.snapshots.put({ ...gone, frozen } as unknown as SnapshotRecord);
  cloud = await home.open();
  expect(cloud.db.snapshots.get('snap-1')).toBeUndefined();
});
