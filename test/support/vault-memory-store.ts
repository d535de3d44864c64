import { VaultError } from '../../src/errors.ts';
import { sameBytes } from '../../src/vault/bytes.ts';
import type { Clock } from '../../src/vault/clock.ts';
import type {
  ByteRange,
  CreateOptions,
  ObjectFacts,
  ObjectRetention,
  ObjectStore,
  SizeLimit,
} from '../../src/vault/object-store.ts';
import { extensionOf } from '../../src/vault/retention.ts';
import type { ObjectVersion, VersionStore } from '../../src/vault/version-store.ts';
import {
  alreadyExists,
  cannotLock,
  isKey,
  missing,
  mustBeKey,
  mustBeWhole,
  mustFitInto,
  mustHaveLength,
  rangeOf,
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
  const model = new BucketModel(objects, clock, kind);
  /** Every call is a scheduling point; what follows it happens at once. */
  async function at<T>(call: MemoryCall, signal: AbortSignal, work: () => T): Promise<T> {
    mustBeKey(call.key);
    signal.throwIfAborted();
    await before(call);
    signal.throwIfAborted();
    return work();
  }
  async function* pages<T>(call: MemoryCall, signal: AbortSignal, show: (key: string) => T[]): AsyncIterable<T> {
    for (let after = ''; ; ) {
      signal.throwIfAborted();
      await before(call);
      const keys = model.keysBelow(call.key).filter((key) => key > after && show(key).length > 0);
      const page = keys.slice(0, pageKeys);
      yield* page.flatMap(show);
      if (keys.length <= page.length) return;
      after = page.at(-1) ?? '';
    }
  }
  return {
    objects,
    url: URL,
    lockOf: (key) => model.lockOf(key),
    create: (key, body, signal, options = {}) =>
      at({ name: 'create', key }, signal, () => model.create(key, body, options)),
    get: (key, signal, part) => at({ name: 'get', key }, signal, () => cut(key, model.read(key), part)),
    head: (key, signal) => at({ name: 'head', key }, signal, () => ({ key, bytes: model.read(key).length })),
    list: (prefix, signal) => pages({ name: 'list', key: prefix }, signal, (key) => model.showObject(key)),
    retain: (key, wanted, signal) => at({ name: 'retain', key }, signal, () => model.retain(key, wanted)),
    retentionOf: (key, signal) => at({ name: 'retentionOf', key }, signal, () => model.retentionOf(key)),
    placeHold: (key, signal) => at({ name: 'placeHold', key }, signal, () => model.placeHold(key)),
    releaseHold: (key, signal) => at({ name: 'releaseHold', key }, signal, () => model.releaseHold(key)),
    remove: (key, signal) => at({ name: 'remove', key }, signal, () => model.remove(key)),
    listVersions: (prefix, signal) =>
      pages({ name: 'listVersions', key: prefix }, signal, (key) => model.showVersions(key)),
    removeVersion: ({ key, versionId }, signal) =>
      at({ name: 'removeVersion', key }, signal, () => model.removeVersion(key, versionId)),
  };
}

/** What a bucket holds; each method is one atomic step. */
class BucketModel {
  readonly #objects: Map<string, Uint8Array>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kind: NonNullable<MemoryBucket['kind']>;
  /** Oldest first. */
  readonly #versions = new Map<string, Version[]>();
  #lastVersion = 0;

  constructor(objects: Map<string, Uint8Array>, clock: Pick<Clock, 'now'>, kind: NonNullable<MemoryBucket['kind']>) {
    this.#objects = objects;
    this.#clock = clock;
    this.#kind = kind;
  }

  create(key: string, body: Uint8Array, { retention }: CreateOptions): void {
    const there = this.#objects.get(key);
    if (retention && this.#kind !== 'locking') throw cannotLock(key, URL);
    if (there && !sameBytes(there, body)) throw alreadyExists(key, URL);
    const version = there ? this.#newest(key) : this.#add(key, Uint8Array.from(body));
    if (retention) this.#retainVersion(version, retention);
  }

  read(key: string): Uint8Array {
    const bytes = this.#objects.get(key);
    if (!bytes) throw missing(key, URL);
    return bytes;
  }

  retain(key: string, wanted: ObjectRetention): ObjectRetention {
    return this.#retainVersion(this.#lockable(key), wanted);
  }

  retentionOf(key: string): ObjectRetention | undefined {
    const { retention } = this.#newest(key);
    return retention && retention.until > this.#clock.now() ? retention : undefined;
  }

  placeHold(key: string): void {
    this.#lockable(key).hold = true;
  }

  releaseHold(key: string): void {
    this.#newest(key).hold = false;
  }

  remove(key: string): void {
    if (this.#kind !== 'plain') {
      if (this.#objects.has(key)) this.#add(key, undefined);
      return;
    }
    this.#versions.delete(key);
    this.#objects.delete(key);
  }

  removeVersion(key: string, versionId: string): void {
    const all = this.#versions.get(key) ?? [];
    const version = all.find((one) => one.versionId === versionId);
    if (!version) return;
    const until =
      version.retention && version.retention.until > this.#clock.now() ? version.retention.until : undefined;
    if (until || version.hold) throw locked(key, versionId, until);
    const left = all.filter((one) => one !== version);
    if (left.length > 0) this.#versions.set(key, left);
    else this.#versions.delete(key);
    this.#show(key, left.at(-1)?.body);
  }

  lockOf(key: string): MemoryLock | undefined {
    const version = this.#versions.get(key)?.findLast(({ body }) => body !== undefined);
    return version && { hold: version.hold, ...(version.retention && { retention: version.retention }) };
  }

  keysBelow(prefix: string): string[] {
    return [...new Set([...this.#objects.keys(), ...this.#versions.keys()])]
      .filter((key) => key.startsWith(prefix) && isKey(key))
      .sort();
  }

  showObject(key: string): ObjectFacts[] {
    const bytes = this.#objects.get(key);
    return bytes ? [{ key, bytes: bytes.length }] : [];
  }

  showVersions(key: string): ObjectVersion[] {
    const all = this.#versions.get(key) ?? [];
    return all.toReversed().map(({ versionId, body, modifiedAt }, i) => ({
      key,
      versionId,
      kind: body ? 'object' : 'delete-marker',
      bytes: body?.length ?? 0,
      latest: i === 0,
      modifiedAt,
    }));
  }

  /** The newest version, of an object that a test put straight into `objects` too. */
  #newest(key: string): Version {
    const body = this.read(key);
    return this.#versions.get(key)?.findLast((version) => version.body !== undefined) ?? this.#add(key, body);
  }

  #lockable(key: string): Version {
    const version = this.#newest(key);
    if (this.#kind !== 'locking') throw cannotLock(key, URL);
    return version;
  }

  #retainVersion(version: Version, wanted: ObjectRetention): ObjectRetention {
    version.retention = extensionOf(version.retention, wanted, this.#clock.now()) ?? version.retention ?? wanted;
    return version.retention;
  }

  #add(key: string, body: Uint8Array | undefined): Version {
    const versionId = `v${String(++this.#lastVersion).padStart(6, '0')}`;
    const version: Version = { versionId, body, modifiedAt: this.#clock.now(), hold: false };
    this.#versions.set(key, this.#kind === 'plain' ? [version] : [...(this.#versions.get(key) ?? []), version]);
    this.#show(key, body);
    return version;
  }

  #show(key: string, body: Uint8Array | undefined): void {
    if (body) this.#objects.set(key, body);
    else this.#objects.delete(key);
  }
}

function cut(key: string, bytes: Uint8Array, asked: ByteRange | SizeLimit | undefined): Uint8Array {
  const range = rangeOf(asked);
  if (!range) {
    mustFitInto(asked, key, bytes.length);
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
