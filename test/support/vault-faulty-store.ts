import { type ErrorCode, VaultError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/vault/object-store.ts';
import { memoryStore } from './vault-memory-store.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  slow: 'SlowDown',
  lost: 'VaultUnreachable',
  exists: 'ObjectExists',
  denied: 'AccessDenied',
};

/** Answers creates by the words of `stream` in turn: ok, slow, lost, exists, denied, bug. 'lost' stores and then fails. */
export function faultyStore(stream: string, inner: ObjectStore = memoryStore()): ObjectStore {
  const words = stream.split(' ');
  return {
    ...inner,
    async create(key, body, signal, options) {
      const word = words.shift() ?? 'ok';
      if (word === 'ok' || word === 'lost') await inner.create(key, body, signal, options);
      if (word === 'bug') throw new Error('bug');
      const code = CODES[word];
      if (code) throw new VaultError(code, `${word}: ${key}`);
    },
  };
}

/** The machine dies at its `create` number `dieAt` (from 1): before the object is stored, or after. */
export function dyingStore(inner: ObjectStore, { dieAt, stored }: { dieAt: number; stored: boolean }): ObjectStore {
  let creates = 0;
  return {
    ...inner,
    async create(key, body, signal, options) {
      creates++;
      if (creates === dieAt && stored) await inner.create(key, body, signal, options);
      if (creates >= dieAt) throw new Error(`died at create ${dieAt}: ${key}`);
      await inner.create(key, body, signal, options);
    },
  };
}
