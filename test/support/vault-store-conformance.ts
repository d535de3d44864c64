import { expect, test } from 'vitest';
import { VaultError } from '../../src/errors.ts';
import { sha256Hex } from '../../src/vault/bytes.ts';
import type { ObjectStore } from '../../src/vault/object-store.ts';
import { NEVER } from './vault-fixture.ts';

/** What every ObjectStore promises; run on each of them with a store that starts empty for every call. */
export function testObjectStore(open: () => Promise<ObjectStore>): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const code = async (work: Promise<unknown>) => {
    const error: unknown = await work.then(() => 'no error').catch((caught: unknown) => caught);
    return error instanceof VaultError ? error.code : error;
  };
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
  });

  test('creating the same bytes again succeeds, other bytes are ObjectExists and change nothing', async () => {
    const store = await open();
    await store.create('points/p.json', bytes('first'), NEVER);
    await store.create('points/p.json', bytes('first'), NEVER);
    expect(await code(store.create('points/p.json', bytes('other'), NEVER))).toBe('ObjectExists');
    expect(new TextDecoder().decode(await store.get('points/p.json', NEVER))).toBe('first');
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
