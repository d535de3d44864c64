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

const MUTATING = ['create', 'retain', 'placeHold', 'releaseHold', 'remove'] as const;

/** Thrown by every call of a machine that is no more. */
export class Died extends Error {
  constructor(call: string) {
    super(`died at ${call}`);
    this.name = 'Died';
  }
}

export interface MortalStore extends ObjectStore {
  /** Calls that change something, so far. */
  readonly mutations: () => number;
}

/**
 * The machine dies at its mutating call number `dieAt` (from 1): before the call has changed anything, or after, when
 * the reply is lost with it. A dead machine makes no call any more.
 */
export function mortalStore(inner: ObjectStore, { dieAt, stored }: { dieAt: number; stored: boolean }): MortalStore {
  let mutations = 0;
  let dead = false;
  const mortal = async <T>(name: string, isMutation: boolean, call: () => Promise<T>): Promise<T> => {
    if (dead) throw new Died(name);
    if (isMutation && ++mutations === dieAt) {
      if (stored) await call();
      dead = true;
      throw new Died(`${name}, mutation ${dieAt}`);
    }
    return call();
  };
  const wrap = <A extends readonly unknown[], T>(name: string, call: (...args: A) => Promise<T>) => {
    const isMutation = (MUTATING as readonly string[]).includes(name);
    return (...args: A) => mortal(`${name} ${String(args[0])}`, isMutation, () => call(...args));
  };
  return {
    url: inner.url,
    mutations: () => mutations,
    create: wrap('create', inner.create),
    get: wrap('get', inner.get),
    head: wrap('head', inner.head),
    retain: wrap('retain', inner.retain),
    placeHold: wrap('placeHold', inner.placeHold),
    releaseHold: wrap('releaseHold', inner.releaseHold),
    remove: wrap('remove', inner.remove),
    retentionOf: wrap('retentionOf', inner.retentionOf),
    async *list(prefix, signal) {
      if (dead) throw new Died(`list ${prefix}`);
      yield* inner.list(prefix, signal);
    },
  };
}
