import { describe, vi } from 'vitest';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { testObjectStore } from '../../support/vault-store-conformance.ts';

vi.setConfig({ testTimeout: 30_000 });

describe('a memory store', () => testObjectStore(async () => memoryStore()));
