import { VaultError } from '../../src/errors.ts';
import { sameBytes } from '../../src/vault/bytes.ts';
import type { Clock } from '../../src/vault/clock.ts';
import type {
  ByteRange,
  CreateOptions,
  ObjectFacts,
  ObjectRetention,
  ObjectStore,
} from '../../src/vault/object-store.ts';
import { extensionOf } from '../../src/vault/retention.ts';
import type { VersionStore } from '../../src/vault/version-store.ts';
import {
  alreadyExists,
  cannotLock,
  missing,
  mustBeKey,
  mustBeWhole,
  mustHaveLength,
} from '../../src/vault/whole-object.ts';
import { fixedClock } from './vault-fixture.ts';

/** A bucket in memory, with doors for tests. */
export interface MemoryStore extends ObjectStore, VersionStore {
  /** What a plain read meets; may be looked at and damaged. */
  readonly objects: Map<string, Uint8Array>;
  /** The lock of an object's newest version. */
  lockOf(key: string): MemoryLock | undefined;
}

export interface MemoryLock {
  readonly retention?: ObjectRetention;
  readonly hold: boolean;
}

export interface MemoryBucket {
  /** Decides when locks run out; may be wrong on purpose. */
  readonly clock?: Pick<Clock, 'now'>;
  /** `locking` (versions and Object Lock) unless told; `plain` keeps no versions. */
  readonly kind?: 'plain' | 'versioned' | 'locking';
  /** Keys that one page of a listing shows; other calls may come in between two pages. S3 gives 1,000. */
  readonly pageKeys?: number;
  /** Called, and waited for, before each call and each page: a test decides here what happens in between. */
  readonly before?: (call: MemoryCall) => Promise<void> | void;
}

export interface MemoryCall {
  readonly name: Exclude<keyof ObjectStore | keyof VersionStore, 'url'>;
  readonly key: string;
}

interface Version {
  readonly versionId: string;
  /** Undefined: a delete marker. */
  readonly body: Uint8Array | undefined;
  readonly modifiedAt: Date;
  retention?: ObjectRetention;
  hold: boolean;
}

const URL = 'memory:///vault';

export function memoryStore(
  objects = new Map<string, Uint8Array>(),
  { clock = fixedClock, kind = 'locking', pageKeys = 1000, before = () => {} }: MemoryBucket = {},
): MemoryStore {
  const versions = new Map<string, Version[]>();
  let lastVersion = 0;
  const enter = async (name: MemoryCall['name'], key: string, signal: AbortSignal) => {
    if (name !== 'list' && name !== 'listVersions') mustBeKey(key);
    signal.throwIfAborted();
    await before({ name, key });
    signal.throwIfAborted();
  };
  const find = (key: string) => {
    const bytes = objects.get(key);
    if (!bytes) throw missing(key, URL);
    return bytes;
  };
  const add = (key: string, body: Uint8Array | undefined) => {
    const versionId = `v${String(++lastVersion).padStart(6, '0')}`;
    const version: Version = { versionId, body, modifiedAt: clock.now(), hold: false };
    versions.set(key, kind === 'plain' ? [version] : [...(versions.get(key) ?? []), version]);
    if (body) objects.set(key, body);
    else objects.delete(key);
    return version;
  };
  /** The newest version, of an object that a test put straight into `objects` too. */
  const newest = (key: string) => {
    const body = find(key);
    return versions.get(key)?.findLast((version) => version.body !== undefined) ?? add(key, body);
  };
  const lockable = (key: string) => {
    const version = newest(key);
    if (kind !== 'locking') throw cannotLock(key, URL);
    return version;
  };
  const retainVersion = (version: Version, wanted: ObjectRetention) => {
    version.retention = extensionOf(version.retention, wanted, clock.now()) ?? version.retention ?? wanted;
    return version.retention;
  };
  function createNow(key: string, body: Uint8Array, { retention }: CreateOptions): void {
    const there = objects.get(key);
    if (retention && kind !== 'locking') throw cannotLock(key, URL);
    if (there && !sameBytes(there, body)) throw alreadyExists(key, URL);
    const version = there ? newest(key) : add(key, Uint8Array.from(body));
    if (retention) retainVersion(version, retention);
  }
  async function* pages<T>(
    { name, prefix, signal }: { name: 'list' | 'listVersions'; prefix: string; signal: AbortSignal },
    show: (key: string) => T[],
  ): AsyncIterable<T> {
    for (let after = ''; ; ) {
      await enter(name, prefix, signal);
      const keys = [...new Set([...objects.keys(), ...versions.keys()])]
        .filter((key) => key.startsWith(prefix) && key > after && show(key).length > 0)
        .sort();
      const page = keys.slice(0, pageKeys);
      yield* page.flatMap(show);
      if (keys.length <= page.length) return;
      after = page.at(-1) ?? '';
    }
  }
  const showObject = (key: string): ObjectFacts[] => {
    const bytes = objects.get(key);
    return bytes ? [{ key, bytes: bytes.length }] : [];
  };
  const showVersions = (key: string) => {
    const all = versions.get(key) ?? [];
    return all.toReversed().map(({ versionId, body, modifiedAt }, i) => {
      const part = body
        ? ({ kind: 'object', bytes: body.length } as const)
        : ({ kind: 'delete-marker', bytes: 0 } as const);
      return { key, versionId, ...part, latest: i === 0, modifiedAt };
    });
  };
  function removeVersionNow(key: string, versionId: string): void {
    const all = versions.get(key) ?? [];
    const version = all.find((one) => one.versionId === versionId);
    if (!version) return;
    const until = version.retention && version.retention.until > clock.now() ? version.retention.until : undefined;
    if (until || version.hold) throw locked(key, versionId, until);
    const left = all.filter((one) => one !== version);
    if (left.length > 0) versions.set(key, left);
    else versions.delete(key);
    const top = left.at(-1)?.body;
    if (top) objects.set(key, top);
    else objects.delete(key);
  }
  return {
    objects,
    url: URL,
    lockOf: (key) => {
      const version = versions.get(key)?.findLast(({ body }) => body !== undefined);
      return version && { hold: version.hold, ...(version.retention && { retention: version.retention }) };
    },
    list: (prefix, signal) => pages({ name: 'list', prefix, signal }, showObject),
    listVersions: (prefix, signal) => pages({ name: 'listVersions', prefix, signal }, showVersions),
    async create(key, body, signal, options = {}) {
      await enter('create', key, signal);
      createNow(key, body, options);
    },
    async get(key, signal, range) {
      await enter('get', key, signal);
      return readNow(key, find(key), range);
    },
    async head(key, signal) {
      await enter('head', key, signal);
      return { key, bytes: find(key).length };
    },
    async retain(key, wanted, signal) {
      await enter('retain', key, signal);
      return retainVersion(lockable(key), wanted);
    },
    async retentionOf(key, signal) {
      await enter('retentionOf', key, signal);
      const { retention } = newest(key);
      return retention && retention.until > clock.now() ? retention : undefined;
    },
    async placeHold(key, signal) {
      await enter('placeHold', key, signal);
      lockable(key).hold = true;
    },
    async releaseHold(key, signal) {
      await enter('releaseHold', key, signal);
      newest(key).hold = false;
    },
    async remove(key, signal) {
      await enter('remove', key, signal);
      if (kind !== 'plain') return void (objects.has(key) && add(key, undefined));
      versions.delete(key);
      objects.delete(key);
    },
    async removeVersion({ key, versionId }, signal) {
      await enter('removeVersion', key, signal);
      removeVersionNow(key, versionId);
    },
  };
}

function readNow(key: string, bytes: Uint8Array, range: ByteRange | undefined): Uint8Array {
  if (!range) {
    mustBeWhole(key, bytes, { url: URL });
    return Uint8Array.from(bytes);
  }
  const from = range.offset < 0 ? bytes.length + range.offset : range.offset;
  const part = bytes.slice(Math.max(from, 0), from + range.length);
  mustHaveLength(key, part, range.length);
  return part;
}

function locked(key: string, versionId: string, until: Date | undefined): VaultError {
  const reason = until ? `locked until ${until.toISOString()}` : 'under a legal hold';
  return new VaultError('ObjectLocked', `${key} in ${URL}: version ${versionId} is ${reason}`, { context: { key } });
}
