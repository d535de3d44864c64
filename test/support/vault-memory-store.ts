import { sameBytes } from '../../src/vault/bytes.ts';
import type { ObjectFacts, ObjectStore } from '../../src/vault/object-store.ts';
import { alreadyExists, missing, mustBeKey, mustBeWhole, mustHaveLength } from '../../src/vault/whole-object.ts';

/** A vault in memory, with a door for tests: `objects` may be looked at and damaged. */
export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Uint8Array>;
}

export function memoryStore(objects = new Map<string, Uint8Array>()): MemoryStore {
  const url = 'memory:///vault';
  const find = (key: string, signal: AbortSignal) => {
    mustBeKey(key);
    signal.throwIfAborted();
    const bytes = objects.get(key);
    if (!bytes) throw missing(key, url);
    return bytes;
  };
  async function* list(prefix: string, signal: AbortSignal): AsyncIterable<ObjectFacts> {
    for (const key of [...objects.keys()].sort()) {
      signal.throwIfAborted();
      const bytes = objects.get(key);
      if (bytes && key.startsWith(prefix)) yield { key, bytes: bytes.length };
    }
  }
  return {
    objects,
    url,
    list,
    async create(key, body, signal) {
      mustBeKey(key);
      signal.throwIfAborted();
      const there = objects.get(key);
      if (!there) objects.set(key, Uint8Array.from(body));
      else if (!sameBytes(there, body)) throw alreadyExists(key, url);
    },
    async get(key, signal, range) {
      const bytes = find(key, signal);
      if (!range) {
        mustBeWhole(key, bytes, { url });
        return Uint8Array.from(bytes);
      }
      const from = range.offset < 0 ? bytes.length + range.offset : range.offset;
      const part = bytes.slice(Math.max(from, 0), from + range.length);
      mustHaveLength(key, part, range.length);
      return part;
    },
    head: async (key, signal) => ({ key, bytes: find(key, signal).length }),
  };
}
