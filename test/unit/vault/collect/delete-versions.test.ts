import { expect, test, vi } from 'vitest';
import { VaultError } from '../../../../src/errors.ts';
import { deleteVersions } from '../../../../src/vault/collect/delete-versions.ts';
import { listPlans } from '../../../../src/vault/collect/list-plans.ts';
import { readPoint } from '../../../../src/vault/index.ts';
import type { VersionStore } from '../../../../src/vault/version-store.ts';
import { type CollectedVault, collectedVault, GC, P0, P1 } from '../../../support/collection.ts';
import { DAY_MS } from '../../../support/vault-clock.ts';
import { NEVER } from '../../../support/vault-fixture.ts';

vi.setConfig({ testTimeout: 120_000 });

/** P1 lives on P0, which has expired and was collected. */
async function collected(): Promise<CollectedVault> {
  const vault = await collectedVault({ kind: 'locking' });
  const parent = await vault.back(P0);
  await vault.back(P1, { parent });
  await vault.expire(P0);
  await vault.collect();
  return vault;
}

function remove({ mover, store }: CollectedVault, versions: VersionStore = store) {
  return deleteVersions({ vault: mover, versions, olderThanMs: 30 * DAY_MS, signal: NEVER });
}

async function versionsBelow({ store }: CollectedVault, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, kind } of store.listVersions(prefix, NEVER)) found.push(`${kind} ${key.split('/')[2]}`);
  return found.sort();
}

test('versions go when their removal is old enough, and only those of what a collection removed', async () => {
  const vault = await collected();
  const before = await versionsBelow(vault, `runs/${P0}/`);
  expect(before).toContain('delete-marker session.json');
  const early = await remove(vault);
  expect(early.removed).toBe(0);
  expect(early.young).toBeGreaterThan(3);
  vault.pass(31);
  const done = await remove(vault);
  expect(done).toMatchObject({ young: 0, locked: 0 });
  expect(done.removed).toBe(early.young * 2);
  // The pack that P1 needs is there with its one version, and nothing else of P0 is.
  expect(await versionsBelow(vault, `runs/${P0}/`)).toEqual(['object packs']);
  expect((await versionsBelow(vault, 'points/')).length).toBe(2);
  await readPoint({ vault: vault.mover, pointId: P1, signal: NEVER });
  expect((await listPlans(vault.control, NEVER))[0]).toEqual({ gcId: GC, executed: true, versionsRemoved: true });
  expect(await remove(vault)).toEqual({ removed: 0, bytes: 0, young: 0, locked: 0 });
});

test('what a lock protects stays with its delete marker, and goes another time', async () => {
  const vault = await collectedVault({ kind: 'locking' });
  await vault.back(P0);
  const [pack = ''] = vault.keys(`runs/${P0}/packs/`);
  const until = new Date(vault.control.clock.now().getTime() + 60 * DAY_MS);
  await vault.store.retain(pack, { mode: 'governance', until }, NEVER);
  await vault.expire(P0);
  await vault.collect();
  vault.pass(31);
  const seen: string[] = [];
  const onRemoved = ({ key }: { key: string }) => void seen.push(key);
  const first = await deleteVersions({
    vault: vault.mover,
    versions: vault.store,
    olderThanMs: 1,
    signal: NEVER,
    onRemoved,
  });
  expect([first.locked, seen.includes(pack)]).toEqual([1, false]);
  expect(await versionsBelow(vault, pack)).toEqual(['delete-marker packs', 'object packs']);
  expect((await listPlans(vault.control, NEVER))[0]?.versionsRemoved).toBe(false);
  vault.pass(30);
  expect(await remove(vault)).toMatchObject({ removed: 2, locked: 0 });
});

test('an object that is there again is left alone, and a plan that was not executed removes nothing', async () => {
  const vault = await collected();
  const [gone = ''] = (await versionKeys(vault, `runs/${P0}/`)).filter((key) => !vault.store.objects.has(key));
  await vault.store.create(gone, new TextEncoder().encode('again'), NEVER);
  const namesake = `${gone}.later`;
  await vault.store.create(namesake, new TextEncoder().encode('a longer name'), NEVER);
  vault.pass(31);
  await remove(vault);
  expect([vault.store.objects.has(gone), vault.store.objects.has(namesake)]).toEqual([true, true]);
  vault.store.objects.delete(`gc/${GC}/report.json`);
  expect(await remove(vault)).toEqual({ removed: 0, bytes: 0, young: 0, locked: 0 });
});

async function versionKeys({ store }: CollectedVault, prefix: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const { key } of store.listVersions(prefix, NEVER)) found.add(key);
  return [...found];
}

test('any other refusal of the store is an error; a missing permission is told by its name', async () => {
  const vault = await collected();
  vault.pass(31);
  const removeVersion = async () => {
    throw new VaultError('AccessDenied', 'no');
  };
  await expect(remove(vault, { ...vault.store, removeVersion })).rejects.toThrow(/s3:DeleteObjectVersion/);
  const listVersions: VersionStore['listVersions'] = () => {
    throw new VaultError('VaultUnreachable', 'no answer');
  };
  await expect(remove(vault, { ...vault.store, listVersions })).rejects.toMatchObject({ code: 'VaultUnreachable' });
});
