import { expect, test, vi } from 'vitest';
import { rebuildCatalog } from '../../../src/vault/index.ts';
import { catalogKey } from '../../../src/vault/object-keys.ts';
import { backUp, NEVER, NOW, RUN_ID, testKeys, testVault } from '../../support/vault-fixture.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testVolume, text } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const LINE = catalogKey('i-0123456789abcdef0', NOW, RUN_ID);

async function vaultWithPoint() {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  await backUp(vault, { 'vol-1': testVolume(3, new Map([[1, text('row')]])) });
  return { store, vault };
}

test('a lost catalog is written anew from the points alone, byte for byte as the commits wrote it', async () => {
  const { store, vault } = await vaultWithPoint();
  const written = store.objects.get(LINE);
  store.objects.delete(LINE);
  expect(await rebuildCatalog({ vault, signal: NEVER })).toEqual({ points: 1, written: [LINE], wrong: [], stray: [] });
  expect(store.objects.get(LINE)).toEqual(written);
  expect(await rebuildCatalog({ vault, signal: NEVER })).toEqual({ points: 1, written: [], wrong: [], stray: [] });
});

test('a wrong line and a line of no point are named and left: nothing in a vault is changed', async () => {
  const { store, vault } = await vaultWithPoint();
  const forged = new TextEncoder().encode('{}');
  const stray = catalogKey('i-0123456789abcdef0', NOW, '20261123T023107Z-ffffffff');
  store.objects.set(LINE, forged);
  store.objects.set(stray, forged);
  const rebuilt = await rebuildCatalog({ vault, signal: NEVER });
  expect(rebuilt).toMatchObject({ written: [], wrong: [{ key: LINE }], stray: [stray] });
  expect(store.objects.get(LINE)).toBe(forged);
});

test('a valid line that says something else than its manifest is wrong, and says where', async () => {
  const { store, vault } = await vaultWithPoint();
  const { CATALOG, catalogEntryOf } = await import('../../../src/vault/catalog.ts');
  const { sealDocument } = await import('../../../src/vault/documents.ts');
  const { readPoint } = await import('../../../src/vault/index.ts');
  const manifest = await readPoint({ vault, pointId: RUN_ID, signal: NEVER });
  const entry = { ...catalogEntryOf(manifest), name: 'somebody else' };
  store.objects.set(LINE, sealDocument(CATALOG, entry, { vault, key: LINE }));
  const { wrong } = await rebuildCatalog({ vault, signal: NEVER });
  expect(wrong[0]?.found).toMatch(/says name is somebody else, the manifest shop database/);
});
