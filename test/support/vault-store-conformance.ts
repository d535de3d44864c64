import { expect, test } from 'vitest';
import { FormatError, VaultError } from '../../src/errors.ts';
import { sha256Hex } from '../../src/vault/bytes.ts';
import type { LockMode, ObjectStore } from '../../src/vault/object-store.ts';
import type { VersionStore } from '../../src/vault/version-store.ts';
import { NEVER } from './vault-fixture.ts';

/** What every ObjectStore promises; run on each of them with a store that starts empty for every call. */
export function testObjectStore(open: () => Promise<ObjectStore>): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = codeOf;
  const keys = async (store: ObjectStore, prefix: string) => {
    const found: string[] = [];
    for await (const { key } of store.list(prefix, NEVER)) found.push(key);
    return found;
  };

  test('what was created is read back, whole, by size, by range and from its end', async () => {
    const store = await open();
    await store.create('runs/r/session.json', bytes('0123456789'), NEVER);
    expect(new TextDecoder().decode(await store.get('runs/r/session.json', NEVER))).toBe('0123456789');
    expect(await store.head('runs/r/session.json', NEVER)).toEqual({ key: 'runs/r/session.json', bytes: 10 });
    const range = (offset: number, length: number) => store.get('runs/r/session.json', NEVER, { offset, length });
    expect(new TextDecoder().decode(await range(2, 3))).toBe('234');
    expect(new TextDecoder().decode(await range(-4, 4))).toBe('6789');
    // A store need not use the room, but nothing beyond the range may be written there.
    const room = new Uint8Array(new SharedArrayBuffer(6)).fill(0x21);
    const inRoom = await store.get('runs/r/session.json', NEVER, { offset: 2, length: 3, room });
    expect(Buffer.from(inRoom).toString()).toBe('234');
    expect(Buffer.from(room.subarray(3)).toString()).toBe('!!!');
  });

  test('creating the same bytes again succeeds, other bytes are ObjectExists and change nothing', async () => {
    const store = await open();
    await store.create('points/p.json', bytes('first'), NEVER);
    await store.create('points/p.json', bytes('first'), NEVER);
    expect(await code(store.create('points/p.json', bytes('other'), NEVER))).toBe('ObjectExists');
    expect(new TextDecoder().decode(await store.get('points/p.json', NEVER))).toBe('first');
  });

  test('what was removed is gone for every call, and removing it again succeeds', async () => {
    const store = await open();
    await store.create('a/b.json', bytes('first'), NEVER);
    await store.create('a/c.json', bytes('stays'), NEVER);
    await store.remove('a/b.json', NEVER);
    await store.remove('a/b.json', NEVER);
    await store.remove('never/was.json', NEVER);
    expect(await code(store.get('a/b.json', NEVER))).toBe('ObjectMissing');
    expect(await code(store.head('a/b.json', NEVER))).toBe('ObjectMissing');
    expect(await keys(store, '')).toEqual(['a/c.json']);
    expect(await code(store.create('a/b.json', bytes('second'), NEVER))).toMatch(/no error|ObjectExists/);
  });

  test('of many creates of one key at once exactly one wins', async () => {
    const store = await open();
    const racers = Array.from({ length: 12 }, (_, i) =>
      code(store.create('points/race.json', bytes(`racer ${i}`), NEVER)),
    );
    const outcomes = await Promise.all(racers);
    expect(outcomes.filter((outcome) => outcome === 'no error')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'ObjectExists')).toHaveLength(11);
    const winner = outcomes.indexOf('no error');
    expect(new TextDecoder().decode(await store.get('points/race.json', NEVER))).toBe(`racer ${winner}`);
  });

  test('what is not there is ObjectMissing, for get, range and head, and an empty listing', async () => {
    const store = await open();
    expect(await code(store.get('vault.json', NEVER))).toBe('ObjectMissing');
    expect(await code(store.get('vault.json', NEVER, { offset: 0, length: 1 }))).toBe('ObjectMissing');
    expect(await code(store.head('vault.json', NEVER))).toBe('ObjectMissing');
    expect(await keys(store, 'runs/')).toEqual([]);
  });

  test('an object larger than is wanted of it is a FormatError, one of just that size is read', async () => {
    const store = await open();
    await store.create('points/p.json', bytes('0123456789'), NEVER);
    expect(await store.get('points/p.json', NEVER, { atMost: 10 })).toHaveLength(10);
    await expect(store.get('points/p.json', NEVER, { atMost: 9 })).rejects.toThrow(FormatError);
  });

  test('a range beyond the end is ObjectDamaged: the index and the object do not agree', async () => {
    const store = await open();
    await store.create('runs/r/session.json', bytes('0123456789'), NEVER);
    expect(await code(store.get('runs/r/session.json', NEVER, { offset: 8, length: 5 }))).toBe('ObjectDamaged');
    expect(await code(store.get('runs/r/session.json', NEVER, { offset: 20, length: 5 }))).toBe('ObjectDamaged');
    expect(await code(store.get('runs/r/session.json', NEVER, { offset: -24, length: 24 }))).toBe('ObjectDamaged');
  });

  test('listings are in key order, by prefix, each key once, with sizes; folders and names sort alike', async () => {
    const store = await open();
    for (const key of ['a-b/x.json', 'a/b/c.json', 'a/b-c.json', 'a/b.json', 'a.json', 'b/z.json']) {
      await store.create(key, bytes(key), NEVER);
    }
    expect(await keys(store, '')).toEqual(['a-b/x.json', 'a.json', 'a/b-c.json', 'a/b.json', 'a/b/c.json', 'b/z.json']);
    expect(await keys(store, 'a/')).toEqual(['a/b-c.json', 'a/b.json', 'a/b/c.json']);
    expect(await keys(store, 'a/b')).toEqual(['a/b-c.json', 'a/b.json', 'a/b/c.json']);
    const [first] = [await store.list('a/b.', NEVER)[Symbol.asyncIterator]().next()];
    expect(first.value).toEqual({ key: 'a/b.json', bytes: 8 });
  });

  test('an object whose name promises another digest is ObjectDamaged when read whole', async () => {
    const store = await open();
    const good = `runs/r/packs/${sha256Hex(bytes('pack'))}.pack`;
    const bad = `runs/r/packs/${sha256Hex(bytes('other'))}.pack`;
    await store.create(good, bytes('pack'), NEVER);
    expect(new TextDecoder().decode(await store.get(good, NEVER))).toBe('pack');
    // A store may refuse it at once, since it knows the promised digest, or when it is read.
    const outcome = await code(store.create(bad, bytes('pack'), NEVER).then(() => store.get(bad, NEVER)));
    expect(outcome).toBe('ObjectDamaged');
  });

  test('a key that is no key, such as a path out of the vault, is refused as a bug', async () => {
    const store = await open();
    for (const key of ['../escape', 'a/../b', '/etc/passwd', 'a//b', '', '.hidden', 'a\0b']) {
      await expect(async () => store.create(key, bytes('x'), NEVER), key).rejects.toThrow(TypeError);
    }
  });

  test('an aborted call rejects and an aborted create leaves nothing half-written', async () => {
    const store = await open();
    const aborted = AbortSignal.abort();
    await expect(store.create('a.json', bytes('x'), aborted)).rejects.toThrow();
    await expect(store.get('a.json', aborted)).rejects.toThrow();
    expect(await keys(store, '')).toEqual([]);
  });

  test('a 32 MiB object arrives whole', async () => {
    const store = await open();
    const big = new Uint8Array(32 << 20).map((_, i) => i * 31);
    const key = `runs/r/packs/${sha256Hex(big)}.pack`;
    await store.create(key, big, NEVER);
    expect(Buffer.compare(await store.get(key, NEVER), big)).toBe(0);
  });
}

/** What a store that locks and keeps versions promises besides; `open` gives both sides of one bucket. */
export function testLocks(open: () => Promise<{ store: ObjectStore; versions: VersionStore; now: () => Date }>): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = codeOf;
  const inDays = (now: () => Date, days: number) =>
    new Date(Math.ceil(now().getTime() / 1000) * 1000 + days * 86_400_000);
  const all = async (versions: VersionStore, prefix = '') => {
    const found = [];
    for await (const version of versions.listVersions(prefix, NEVER)) found.push(version);
    return found;
  };

  test('an object created with a retention is locked from the first moment on', async () => {
    const { store, versions, now } = await open();
    const retention = { mode: 'governance', until: inDays(now, 2) } as const;
    await store.create('a.json', bytes('a'), NEVER, { retention });
    await store.create('b.json', bytes('b'), NEVER);
    expect(await store.retentionOf('a.json', NEVER)).toEqual(retention);
    expect(await store.retentionOf('b.json', NEVER)).toBeUndefined();
    const [a, b] = await all(versions);
    expect(await code(versions.removeVersion(a ?? NO_VERSION, NEVER))).toBe('ObjectLocked');
    await versions.removeVersion(b ?? NO_VERSION, NEVER);
    expect(await code(store.get('b.json', NEVER))).toBe('ObjectMissing');
    expect(new TextDecoder().decode(await store.get('a.json', NEVER))).toBe('a');
  });

  test('creating the same bytes again with a retention locks what is there', async () => {
    const { store, now } = await open();
    const retention = { mode: 'governance', until: inDays(now, 2) } as const;
    await store.create('a.json', bytes('a'), NEVER);
    await store.create('a.json', bytes('a'), NEVER, { retention });
    expect(await store.retentionOf('a.json', NEVER)).toEqual(retention);
    const other = store.create('a.json', bytes('b'), NEVER, { retention: { ...retention, until: inDays(now, 9) } });
    expect(await code(other)).toBe('ObjectExists');
    expect(await store.retentionOf('a.json', NEVER)).toEqual(retention);
  });

  test('a retention is only ever extended, and never made weaker', async () => {
    const { store, now } = await open();
    const [soon, later] = [inDays(now, 2), inDays(now, 5)];
    await store.create('a.json', bytes('a'), NEVER);
    const retain = (mode: LockMode, until: Date) => store.retain('a.json', { mode, until }, NEVER);
    expect(await retain('governance', soon)).toEqual({ mode: 'governance', until: soon });
    expect(await retain('governance', later)).toEqual({ mode: 'governance', until: later });
    expect(await retain('governance', soon), 'not shortened').toEqual({ mode: 'governance', until: later });
    await store.create('c.json', bytes('c'), NEVER, { retention: { mode: 'compliance', until: soon } });
    const weaker = await store.retain('c.json', { mode: 'governance', until: later }, NEVER);
    expect(weaker, 'longer, and still compliance').toEqual({ mode: 'compliance', until: later });
    expect(await store.retentionOf('c.json', NEVER)).toEqual({ mode: 'compliance', until: later });
    expect(await code(store.retain('none.json', { mode: 'governance', until: soon }, NEVER))).toBe('ObjectMissing');
  });

  test('a legal hold forbids deleting until it is released, whatever the retention', async () => {
    const { store, versions } = await open();
    await store.create('a.json', bytes('a'), NEVER);
    await store.placeHold('a.json', NEVER);
    await store.placeHold('a.json', NEVER);
    const [version = NO_VERSION] = await all(versions);
    expect(await code(versions.removeVersion(version, NEVER))).toBe('ObjectLocked');
    await store.releaseHold('a.json', NEVER);
    await store.releaseHold('a.json', NEVER);
    await versions.removeVersion(version, NEVER);
    expect(await all(versions)).toEqual([]);
    expect(await code(store.placeHold('a.json', NEVER))).toBe('ObjectMissing');
  });

  test('a locked object may be removed: only a marker hides it, and taking that away brings it back', async () => {
    const { store, versions, now } = await open();
    const retention = { mode: 'governance', until: inDays(now, 2) } as const;
    await store.create('a.json', bytes('a'), NEVER, { retention });
    await store.remove('a.json', NEVER);
    await store.remove('a.json', NEVER);
    expect(await code(store.get('a.json', NEVER))).toBe('ObjectMissing');
    expect(await code(store.retain('a.json', retention, NEVER))).toBe('ObjectMissing');
    const listed = await all(versions);
    const markers = listed.filter(({ kind }) => kind === 'delete-marker');
    expect(listed.filter(({ kind }) => kind === 'object')).toMatchObject([{ key: 'a.json', bytes: 1, latest: false }]);
    expect(markers[0]).toMatchObject({ latest: true, bytes: 0 });
    for (const marker of markers) await versions.removeVersion(marker, NEVER);
    expect(new TextDecoder().decode(await store.get('a.json', NEVER))).toBe('a');
  });

  test('versions are listed by prefix, in key order', async () => {
    const { store, versions } = await open();
    for (const key of ['b/x.json', 'a/2.json', 'a/1.json', 'a-b.json']) await store.create(key, bytes(key), NEVER);
    await store.remove('a/1.json', NEVER);
    expect((await all(versions, 'a/')).map(({ key }) => key)).toEqual(['a/1.json', 'a/1.json', 'a/2.json']);
    expect((await all(versions)).map(({ key }) => key)).toEqual([
      'a-b.json',
      'a/1.json',
      'a/1.json',
      'a/2.json',
      'b/x.json',
    ]);
  });
}

const NO_VERSION = { key: 'none.json', versionId: 'none' };

/** What a store that cannot lock promises instead. */
export function testNoLocks(open: () => Promise<ObjectStore>): void {
  const until = new Date(Date.now() + 365 * 86_400_000);
  const retention = { mode: 'governance', until } as const;

  test('a lock that the store cannot give is LockUnsupported, and nothing counts as locked or held', async () => {
    const store = await open();
    const body = new TextEncoder().encode('a');
    await store.create('a.json', body, NEVER);
    expect(await codeOf(store.retain('a.json', retention, NEVER))).toBe('LockUnsupported');
    expect(await codeOf(store.create('b.json', body, NEVER, { retention }))).toBe('LockUnsupported');
    expect(await codeOf(store.placeHold('a.json', NEVER))).toBe('LockUnsupported');
    await store.releaseHold('a.json', NEVER);
    expect(await store.retentionOf('a.json', NEVER)).toBeUndefined();
  });
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(() => 'no error').catch((caught: unknown) => caught);
  return error instanceof VaultError ? error.code : error;
}
