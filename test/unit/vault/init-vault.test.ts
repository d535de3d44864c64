import { expect, test } from 'vitest';
import { initVault } from '../../../src/vault/index.ts';
import { backUp, fixedClock, NEVER, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { testVolume, text } from '../../support/vault-volume.ts';

const VOLUMES = { 'vol-1': testVolume(1, new Map([[0, text('block')]])) };

async function vaultOfOnePoint() {
  const store = memoryStore();
  const request = {
    store,
    keys: await testKeys(),
    clock: fixedClock,
    randomBytes: seededBytes('again'),
    signal: NEVER,
  };
  const vault = await testVault({ store, keys: request.keys });
  await backUp(vault, VOLUMES);
  await vault.close();
  return { store, vaultId: vault.vaultId, init: () => initVault(request) };
}

test('a vault.json that is gone is made again from the keys, byte for byte', async () => {
  const { store, vaultId, init } = await vaultOfOnePoint();
  const before = await store.get('vault.json', NEVER);
  await store.remove('vault.json', NEVER);
  expect(await init()).toEqual({ vaultId, created: true });
  expect(await store.get('vault.json', NEVER)).toEqual(before);
});

test('no new vault is made over points whose keys are gone, and what is gone is named', async () => {
  const { store, init } = await vaultOfOnePoint();
  await store.remove('vault.json', NEVER);
  await store.remove('keys/1.json', NEVER);
  await expect(init()).rejects.toMatchObject({
    code: 'ObjectMissing',
    message: expect.stringMatching(
      /^keys\/1\.json is gone from .*, though points\/.*\.json is there: .* bring keys\/1\.json back/,
    ),
  });
  const made = [];
  for await (const { key } of store.list('', NEVER)) if (/^(keys|vault)/.test(key)) made.push(key);
  expect(made).toEqual([]);
});
