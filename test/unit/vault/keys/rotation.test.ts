import { expect, test, vi } from 'vitest';
import {
  archiveShard,
  attest,
  beginRun,
  commitPoint,
  findParents,
  listKeys,
  listPoints,
  openVault,
  openVolume,
  readPoint,
} from '../../../../src/vault/index.ts';
import { keysKey } from '../../../../src/vault/object-keys.ts';
import type { ObjectStore } from '../../../../src/vault/object-store.ts';
import type { Vault } from '../../../../src/vault/vault.ts';
import { testAttestation } from '../../../support/vault-attestation.ts';
import { dyingStore, faultyStore } from '../../../support/vault-faulty-store.ts';
import {
  archiveAll,
  backUp,
  CONTROL,
  fixedClock,
  MOVER,
  NEVER,
  RUN_ID,
  testKeys,
  testSession,
  testVault,
  VERIFY_RUN_ID,
} from '../../../support/vault-fixture.ts';
import { otherKeys, rotate } from '../../../support/vault-keys.ts';
import { memoryStore } from '../../../support/vault-memory-store.ts';
import { seededBytes } from '../../../support/vault-random.ts';
import { noise, testVolume, text } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const SECOND = '20261124T023107Z-9f2c0002';
const volumes = () => ({
  'vol-1': testVolume(
    20,
    new Map([
      [3, text('row')],
      [4, noise(4)],
    ]),
  ),
});

async function vaultOfTwo() {
  const store = memoryStore();
  const keys = await testKeys();
  const mover = await testVault({ store, keys, roles: MOVER });
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  return { store, keys, mover, control };
}

async function readWhole(vault: Vault, pointId: string): Promise<number[]> {
  const volume = await openVolume({ vault, pointId, volumeId: 'vol-1', signal: NEVER });
  const found: number[] = [];
  for await (const { index, bytes } of volume.blocks({ from: 0, to: 20 }, NEVER)) {
    expect(Buffer.compare(bytes, volumes()['vol-1'].written.get(index) ?? new Uint8Array())).toBe(0);
    found.push(index);
  }
  return found;
}

test('after a rotation new runs write under the new epoch, and points of both are read, also by processes that were open before', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  await backUp(mover, volumes());
  expect(await rotate(control, keys)).toMatchObject({ epoch: 2, created: true });
  expect(control.epoch).toBe(2);
  // The mover was open all the time and learns of the epoch when it begins a run.
  expect(mover.epoch).toBe(1);
  const second = await backUp(mover, volumes(), { runId: SECOND });
  expect([second.epoch, mover.epoch]).toEqual([2, 2]);
  for (const vault of [mover, await testVault({ store, keys })]) {
    for (const pointId of [RUN_ID, SECOND]) expect(await readWhole(vault, pointId)).toEqual([3, 4]);
  }
});

test('a process that meets a point of an epoch it does not know reads the keys again, once', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  const asked: string[] = [];
  const watched: ObjectStore = {
    ...store,
    get: (key, ...rest) => {
      if (key.startsWith('keys/')) asked.push(key);
      return store.get(key, ...rest);
    },
  };
  const reader = await testVault({ store: watched, keys });
  await rotate(control, keys);
  await backUp(mover, volumes(), { runId: SECOND });
  asked.length = 0;
  expect(await readWhole(reader, SECOND)).toEqual([3, 4]);
  expect(reader.epoch).toBe(2);
  expect(await readWhole(reader, SECOND)).toEqual([3, 4]);
  expect(asked).toEqual(['keys/2.json', 'keys/3.json']);
});

test('a run under way stays with its epoch and commits; the next run takes the new one', async () => {
  const { keys, mover, control } = await vaultOfTwo();
  const source = volumes()['vol-1'];
  await beginRun({ vault: mover, session: testSession(volumes()), signal: NEVER });
  const shard = { runId: RUN_ID, volumeId: 'vol-1', shard: 0, shardSegments: 1, source, signal: NEVER };
  await archiveShard({ vault: mover, ...shard });
  await rotate(control, keys);
  await mover.refreshKeys(NEVER);
  const draft = await archiveAll(mover, volumes());
  expect(await commitPoint({ vault: mover, draft, signal: NEVER })).toMatchObject({ epoch: 1 });
  expect(await readWhole(mover, RUN_ID)).toEqual([3, 4]);
  expect((await backUp(mover, volumes(), { runId: SECOND })).epoch).toBe(2);
});

test('block ids are the same in every epoch, so deduplication goes on across a rotation', async () => {
  const { keys, mover, control } = await vaultOfTwo();
  const idsOf = async (pointId: string) => {
    const manifest = await readPoint({ vault: mover, pointId, signal: NEVER });
    return manifest.volumes.map(({ map }) => map.volumeDigest);
  };
  await backUp(mover, volumes());
  await rotate(control, keys);
  await backUp(mover, volumes(), { runId: SECOND });
  // The digest is over the ids of all blocks.
  expect(await idsOf(SECOND)).toEqual(await idsOf(RUN_ID));
});

test('two rotations at once make one epoch; the loser says so and wrote nothing', async () => {
  const { store, keys, control } = await vaultOfTwo();
  const other = await testVault({ store, keys, roles: CONTROL, seed: 'other' });
  const ends = await Promise.all([rotate(control, keys), rotate(other, keys)]);
  expect(ends.map(({ epoch }) => epoch)).toEqual([2, 2]);
  expect(ends.filter(({ created }) => created)).toHaveLength(1);
  expect([...store.objects.keys()].filter((key) => key.startsWith('keys/'))).toEqual(['keys/1.json', 'keys/2.json']);
  expect([control.epoch, other.epoch]).toEqual([2, 2]);
});

test.each([{ stored: false }, { stored: true }])(
  'a rotation that dies at its only write (stored: $stored) leaves a vault that works, and can be repeated',
  async ({ stored }) => {
    const { store, keys } = await vaultOfTwo();
    const dying = await testVault({ store: dyingStore(store, { dieAt: 3, stored }), keys, roles: CONTROL });
    // Two creates are the init's, which finds its objects.
    const attempt = rotate({ ...dying, store: dyingStore(store, { dieAt: 1, stored }) }, keys);
    await expect(attempt).rejects.toThrow(/died at create 1: keys\/2\.json/);
    const mover = await testVault({ store, keys, seed: 'after' });
    expect((await backUp(mover, volumes())).epoch).toBe(stored ? 2 : 1);
    const control = await testVault({ store, keys, roles: CONTROL, seed: 'after too' });
    expect(await rotate(control, keys)).toMatchObject({ epoch: stored ? 3 : 2, created: true });
    expect(await readWhole(mover, RUN_ID)).toEqual([3, 4]);
  },
);

test('rotation whose reply was lost has happened', async () => {
  const { store, keys, control } = await vaultOfTwo();
  const attempt = rotate({ ...control, store: faultyStore('lost', store) }, keys);
  await expect(attempt).rejects.toThrow('lost: keys/2.json');
  await control.refreshKeys(NEVER);
  expect(control.epoch).toBe(2);
});

test('a mover cannot rotate: it does not hold the control root', async () => {
  const { keys, mover, store } = await vaultOfTwo();
  await expect(rotate(mover, keys)).rejects.toThrow(/needs the control root of epoch 1 .* holds data and meta roots/);
  expect(store.objects.has(keysKey(2))).toBe(false);
});

test('three rotations give four epochs, each of them signed by the one before', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  for (const epoch of [2, 3, 4]) expect(await rotate(control, keys)).toMatchObject({ epoch });
  const heads = [1, 2, 3, 4].map((epoch) => JSON.parse(String(Buffer.from(store.objects.get(keysKey(epoch)) ?? []))));
  expect(heads.map(({ epoch, body }) => [epoch, body.epoch])).toEqual([
    [1, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ]);
  expect((await backUp(mover, volumes())).epoch).toBe(4);
  const { epochs } = await listKeys({ store, signal: NEVER });
  expect(epochs.map(({ epoch, recipients }) => [epoch, recipients])).toEqual(
    [1, 2, 3, 4].map((epoch) => [epoch, [{ kind: 'file', id: 'key', purposes: ['data', 'meta', 'control'] }]]),
  );
});

test('a recipient left out of the new epoch still reads the old points, and is told why it cannot read the new', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  await backUp(mover, volumes());
  const fresh = await otherKeys('5', 'key-of-today');
  await rotate(control, fresh, { without: ['key'] });
  const request = { store, clock: fixedClock, randomBytes: seededBytes('x'), signal: NEVER, roles: MOVER };
  await expect(openVault({ ...request, keys: fresh })).rejects.toThrow(
    /key file .*key-of-today does not open the data root of epoch 1 .*wrapped for file key/,
  );
  const old = await openVault({ ...request, keys });
  expect(await readWhole(old, RUN_ID)).toEqual([3, 4]);
  const attempt = beginRun({ vault: old, session: testSession(volumes(), SECOND), signal: NEVER });
  await expect(attempt).rejects.toThrow(/does not open the meta root of epoch 2 .*wrapped for file key-of-today/);
  await old.close();
});

test('an attestation is signed by the newest control key, also by a process that was open before the rotation', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  const other = await testVault({ store, keys, roles: CONTROL, seed: 'other' });
  await rotate(control, keys);
  await backUp(mover, volumes());
  await attest({ vault: other, attestation: testAttestation(RUN_ID, VERIFY_RUN_ID, 'passed'), signal: NEVER });
  const key = `attestations/${RUN_ID}/${VERIFY_RUN_ID}.json`;
  expect(JSON.parse(String(Buffer.from(store.objects.get(key) ?? []))).epoch).toBe(2);
  const states = [];
  for await (const { state } of listPoints({ vault: mover, signal: NEVER })) states.push(state);
  expect(states).toEqual(['committed']);
});

test('keys that somebody has removed are missed: by later keys, or by a point that was made under them', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  await rotate(control, keys);
  await backUp(mover, volumes(), { runId: SECOND });
  store.objects.delete('keys/2.json');
  // A new process only sees the first epoch; the open one would not notice.
  const fresh = await testVault({ store, keys });
  expect(fresh.epoch).toBe(1);
  const machineId = 'i-0123456789abcdef0';
  await expect(findParents({ vault: fresh, machineId, signal: NEVER })).rejects.toMatchObject({
    code: 'KeysNotSigned',
    context: { key: 'keys/2.json', witness: `points/${SECOND}.json` },
  });
});

test('a gap between epochs stops what is new, and nothing of what is old', async () => {
  const { store, keys, mover, control } = await vaultOfTwo();
  await backUp(mover, volumes());
  await rotate(control, keys);
  await rotate(control, keys);
  store.objects.delete('keys/2.json');
  const fresh = await testVault({ store, keys });
  const session = testSession(volumes(), SECOND);
  await expect(beginRun({ vault: fresh, session, signal: NEVER })).rejects.toMatchObject({
    code: 'KeysNotSigned',
    message: expect.stringMatching(/keys\/2\.json is gone .* keys\/3\.json is of a later epoch than 1/),
  });
  expect(await readWhole(fresh, RUN_ID)).toEqual([3, 4]);
});
