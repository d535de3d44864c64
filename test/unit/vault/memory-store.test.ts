import { describe, vi } from 'vitest';
import { movingClock } from '../../support/vault-clock.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
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
