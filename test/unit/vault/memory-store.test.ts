import { describe, expect, test, vi } from 'vitest';
import { movingClock } from '../../support/vault-clock.ts';
import { NEVER } from '../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../support/vault-memory-store.ts';
import { testLocks, testNoLocks, testObjectStore } from '../../support/vault-store-conformance.ts';

vi.setConfig({ testTimeout: 30_000 });

describe('a memory store', () => testObjectStore(async () => memoryStore()));
describe('a memory store with pages of two keys', () =>
  testObjectStore(async () => memoryStore(new Map(), { pageKeys: 2 })));
describe('a plain memory store', () => testObjectStore(async () => memoryStore(new Map(), { kind: 'plain' })));
describe('a memory store without versions', () => testNoLocks(async () => memoryStore(new Map(), { kind: 'plain' })));
describe('a memory store without locks', () => testNoLocks(async () => memoryStore(new Map(), { kind: 'versioned' })));
describe('a memory store that locks', () =>
  testLocks(async () => {
    const clock = movingClock();
    const store = memoryStore(new Map(), { clock, pageKeys: 2 });
    return { store, versions: store, now: clock.now };
  }));

// As S3 documents it; versitygw 1.8 answers 412, so no caller may rely on it.
test('what was removed can be created again, as another version; each is removed by its id', async () => {
  const store = memoryStore();
  await store.create('a.json', new Uint8Array(3), NEVER);
  await store.remove('a.json', NEVER);
  await store.create('a.json', new Uint8Array(5), NEVER);
  const listed = await allVersions(store);
  expect(listed.map(({ kind, latest, bytes }) => ({ kind, latest, bytes }))).toEqual([
    { kind: 'object', latest: true, bytes: 5 },
    { kind: 'delete-marker', latest: false, bytes: 0 },
    { kind: 'object', latest: false, bytes: 3 },
  ]);
  for (const version of listed.slice(1)) await store.removeVersion(version, NEVER);
  await store.removeVersion(listed[2] ?? { key: 'a.json', versionId: 'none' }, NEVER);
  expect((await store.get('a.json', NEVER)).length).toBe(5);
});

async function allVersions(store: MemoryStore) {
  const found = [];
  for await (const version of store.listVersions('', NEVER)) found.push(version);
  return found;
}
