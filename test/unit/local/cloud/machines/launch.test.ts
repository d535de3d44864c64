import { afterAll, expect, test } from 'vitest';
import type { InstanceRecord, VolumeRecord } from '../../../../../local/cloud/records.ts';
import { askEc2, cloudInProcess } from '../../../../support/cloud-in-process.ts';

const ID = 'i-0123456789abcdef0';
const FRESH = { createdAt: 0, tags: {} };

const home = cloudInProcess();
afterAll(() => home.end());

test('a machine that is terminated during a start that fails is terminated, though it ran before', async () => {
  const cloud = await home.open();
  const volume = { ...FRESH, id: 'vol-1', state: 'creating', sizeGiB: 1, layers: ['/no/such/folder/0.qcow2'] };
  const instance = {
    ...FRESH,
    id: ID,
    state: 'pending',
    volumeIds: ['vol-1'],
    consolePostedAt: 1,
    interfaceId: 'eni-1',
  };
  cloud.db.volumes.put(volume as unknown as VolumeRecord);
  cloud.db.instances.put({ ...instance, apiTermination: true } as unknown as InstanceRecord);
  const launch = cloud.machines.launch(ID);
  await Promise.resolve(); // it has begun
  await askEc2(cloud, { Action: 'TerminateInstances', 'InstanceId.1': ID });
  await launch;
  expect(cloud.db.instances.get(ID)).toMatchObject({
    state: 'terminated',
    stateReason: { code: 'Client.UserInitiatedShutdown' },
  });
});
