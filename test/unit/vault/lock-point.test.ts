import { beforeEach, describe, expect, test, vi } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { beginRun, commitPoint, type LockPolicy, type Manifest, readPoint } from '../../../src/vault/index.ts';
import type { KeyService } from '../../../src/vault/key-service.ts';
import { packKey } from '../../../src/vault/object-keys.ts';
import { mapParts, pointParts } from '../../../src/vault/point-parts.ts';
import { readMap } from '../../../src/vault/read-map.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { DAY_MS, type MovingClock, movingClock } from '../../support/vault-clock.ts';
import { archiveAll, backUp, NEVER, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { type MemoryBucket, type MemoryCall, type MemoryStore, memoryStore } from '../../support/vault-memory-store.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const WEEK: LockPolicy = { mode: 'governance', days: 7 };
const volumes = {
  'vol-1': testVolume(
    8192 * 2,
    new Map([
      [0, noise(1)],
      [8200, noise(2)],
    ]),
  ),
};

let keys: KeyService;
beforeEach(async () => {
  keys = await testKeys();
});

interface Bench {
  readonly clock: MovingClock;
  readonly store: MemoryStore;
  readonly calls: MemoryCall[];
  readonly open: (lock?: LockPolicy) => Promise<Vault>;
}

function bench(bucket: MemoryBucket = {}, objects?: Map<string, Uint8Array>, clock = movingClock()): Bench {
  const calls: MemoryCall[] = [];
  const store = memoryStore(objects, { clock, before: (call) => void calls.push(call), ...bucket });
  return { clock, store, calls, open: (lock = WEEK) => testVault({ store, keys, clock, lock }) };
}

const runAt = (clock: MovingClock) =>
  `${clock
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')}-0000aaaa`;

/** A point that stores nothing of its own but leans on everything of `parent`. */
async function leanOn(vault: Vault, parent: Manifest, clock: MovingClock): Promise<Manifest> {
  const runId = runAt(clock);
  await beginRun({ vault, session: testSession(volumes, runId), signal: NEVER });
  const { pointId } = parent;
  const parents = parent.volumes.map(({ volumeId, map }) => ({ volumeId, pointId, mapId: map.mapId }));
  return commitPoint({ vault, draft: { ...draftOf(parent), pointId: runId, parents }, signal: NEVER });
}

function draftOf(manifest: Manifest) {
  const { outcome: _1, vaultId: _2, epoch: _3, committedAt: _4, features: _5, parameters: _6, ...draft } = manifest;
  return draft;
}

async function partsOf(vault: Vault, manifest: Manifest): Promise<string[]> {
  const parts = ['vault.json', 'keys/1.json', `points/${manifest.pointId}.json`, ...pointParts(manifest)];
  for (const volume of manifest.volumes) parts.push(...mapParts(await readMap(vault, volume, NEVER)));
  return parts;
}

const untilOf = (store: MemoryStore, key: string) => store.lockOf(key)?.retention?.until.getTime() ?? 0;

async function expectLocked(vault: Vault, store: MemoryStore, manifest: Manifest): Promise<void> {
  const promised = Date.parse(manifest.retention.retainUntil ?? '');
  expect(promised).toBeGreaterThan(0);
  for (const key of await partsOf(vault, manifest)) expect(untilOf(store, key), key).toBeGreaterThanOrEqual(promised);
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );

describe('a vault with a lock', () => {
  test('everything that a point needs is locked when it is committed; working papers are not', async () => {
    const { store, clock, open } = bench();
    const vault = await open();
    const manifest = await backUp(vault, volumes, { runId: runAt(clock) });
    const until = new Date(clock.now().setMilliseconds(0) + 7 * DAY_MS).toISOString();
    expect(manifest.retention).toEqual({ mode: 'governance', retainUntil: until, keepUntil: null });
    await expectLocked(vault, store, manifest);
    const unlocked = [...store.objects.keys()].filter((key) => untilOf(store, key) === 0);
    const kinds = new Set(unlocked.map((key) => key.replace(/^runs\/[^/]+\//, '').split('/')[0]));
    expect(kinds).toEqual(new Set(['session.json', 'shards', 'catalog']));
  });

  test('a new point leaning on packs whose lock ran out locks them again before it is committed', async () => {
    const { store, clock, calls, open } = bench();
    const vault = await open();
    const first = await backUp(vault, volumes, { runId: runAt(clock) });
    clock.advance(20 * DAY_MS);
    const [pack = ''] = [...store.objects.keys()].filter((key) => key.endsWith('.pack'));
    expect(await store.retentionOf(pack, NEVER), 'the old lock has run out').toBeUndefined();
    calls.length = 0;
    const second = await leanOn(vault, first, clock);
    await expectLocked(vault, store, second);
    const committed = calls.findIndex(({ name, key }) => name === 'create' && key === `points/${second.pointId}.json`);
    const extended = calls.findLastIndex(({ name }) => name === 'retain');
    expect(extended).toBeGreaterThan(0);
    expect(extended, 'after the commit it would be too late').toBeLessThan(committed);
    for await (const version of store.listVersions(pack, NEVER)) {
      expect(await codeOf(store.removeVersion(version, NEVER))).toBe('ObjectLocked');
    }
  });

  test('locks are extended about once a week, not at every run', async () => {
    const { store, clock, calls, open } = bench();
    const vault = await open();
    let point = await backUp(vault, volumes, { runId: runAt(clock) });
    const extensions: number[] = [];
    for (let day = 1; day <= 21; day++) {
      clock.advance(DAY_MS);
      calls.length = 0;
      point = await leanOn(vault, point, clock);
      await expectLocked(vault, store, point);
      if (calls.some(({ name, key }) => name === 'retain' && key.endsWith('.pack'))) extensions.push(day);
    }
    expect(extensions).toEqual([8, 16]);
  });

  test('a month of incremental points: what maps and manifests promise holds, with few extensions', async () => {
    const { store, clock, calls, open } = bench();
    const vault = await open();
    const day = (n: number) => ({
      'vol-1': testVolume(
        16,
        new Map([
          [0, noise('same')],
          [1 + (n % 15), noise(n)],
        ]),
      ),
    });
    let parent = await backUp(vault, day(1), { runId: runAt(clock) });
    const extended: number[] = [];
    for (let n = 2; n <= 30; n++) {
      clock.advance(DAY_MS);
      calls.length = 0;
      parent = await backUp(vault, day(n), { runId: runAt(clock), parent });
      await expectLocked(vault, store, parent);
      for (const volume of parent.volumes) {
        const { packs } = await readMap(vault, volume, NEVER);
        for (const { runId, packId, retainUntil } of packs) {
          expect(untilOf(store, packKey(runId, packId)), packId).toBeGreaterThanOrEqual(retainUntil * 1000);
        }
      }
      if (calls.some(({ name, key }) => name === 'retain' && key.endsWith('.pack'))) extended.push(n);
      const looks = calls.filter(({ name, key }) => name === 'retentionOf' && key.endsWith('.pack'));
      expect(looks.length, 'a sample, not all').toBeLessThan(20);
    }
    expect(extended).toEqual([9, 17, 25]);
  });

  test('a vault that was copied without its locks gets them back: what a map promises is looked at', async () => {
    const { store, clock, open } = bench();
    const vault = await open();
    const first = await backUp(vault, volumes, { runId: runAt(clock) });
    const copy = bench({}, new Map(store.objects), clock);
    clock.advance(DAY_MS);
    const inCopy = await copy.open();
    const second = await leanOn(inCopy, first, clock);
    await expectLocked(inCopy, copy.store, second);
  });

  test('a crash between extension and commit leaves longer locks and no point; running again commits', async () => {
    const crash = { now: false };
    const before = ({ name, key }: MemoryCall) => {
      if (crash.now && name === 'create' && key.startsWith('points/')) throw new Error('died');
    };
    const { store, clock, open } = bench({ before });
    const vault = await open();
    const first = await backUp(vault, volumes, { runId: runAt(clock) });
    clock.advance(20 * DAY_MS);
    crash.now = true;
    await expect(leanOn(vault, first, clock)).rejects.toThrow('died');
    expect(await codeOf(readPoint({ vault, pointId: runAt(clock), signal: NEVER }))).toBe('PointMissing');
    const [pack = ''] = [...store.objects.keys()].filter((key) => key.endsWith('.pack'));
    const left = untilOf(store, pack);
    expect(left).toBeGreaterThan(clock.now().getTime() + 7 * DAY_MS);
    crash.now = false;
    await expectLocked(vault, store, await leanOn(vault, first, clock));
    expect(untilOf(store, pack)).toBe(left);
  });

  test('a change of mode never weakens a lock, and a point tells the weakest of its locks', async () => {
    const { store, clock, open } = bench();
    const strict = await open({ mode: 'compliance', days: 7 });
    const first = await backUp(strict, volumes, { runId: runAt(clock) });
    clock.advance(10 * DAY_MS);
    const second = await leanOn(await open(WEEK), first, clock);
    const [pack = ''] = [...store.objects.keys()].filter((key) => key.endsWith('.pack'));
    expect(store.lockOf(pack)?.retention?.mode).toBe('compliance');
    expect(second.retention.mode).toBe('governance');
    const other = bench();
    const third = await backUp(await other.open(WEEK), volumes, { runId: runAt(other.clock) });
    other.clock.advance(DAY_MS);
    const fourth = await leanOn(await other.open({ mode: 'compliance', days: 7 }), third, other.clock);
    expect(fourth.retention.mode, 'its packs are still under governance').toBe('governance');
    other.clock.advance(30 * DAY_MS);
    const fifth = await leanOn(await other.open({ mode: 'compliance', days: 7 }), fourth, other.clock);
    expect(fifth.retention.mode, 'the old locks have run out').toBe('compliance');
  });

  test('progress counts the objects that are looked at', async () => {
    const { clock, open } = bench();
    const vault = await open();
    const runId = runAt(clock);
    await beginRun({ vault, session: testSession(volumes, runId), signal: NEVER });
    const draft = await archiveAll(vault, volumes, { runId });
    const seen: string[] = [];
    await commitPoint({
      vault,
      draft,
      signal: NEVER,
      onProgress: ({ done, objects }) => seen.push(`${done}/${objects}`),
    });
    expect(seen).toEqual(['1/3', '2/3', '3/3']);
  });
});

test.each(['plain', 'versioned'] as const)(
  'a %s bucket is refused before a run writes anything, and by init',
  async (kind) => {
    const { store, clock, open } = bench({ kind });
    expect(await codeOf(open())).toBe('LockUnsupported');
    const vault = await testVault({ store, keys });
    const locking = { ...vault, lock: WEEK };
    const session = testSession(volumes, runAt(clock));
    expect(await codeOf(beginRun({ vault: locking, session, signal: NEVER }))).toBe('LockUnsupported');
    expect([...store.objects.keys()].filter((key) => key.startsWith('runs/'))).toEqual([]);
  },
);

test('without a policy nothing is locked and a manifest says so', async () => {
  const { store, clock } = bench();
  const manifest = await backUp(await testVault({ store, keys, clock }), volumes, { runId: runAt(clock) });
  expect(manifest.retention).toEqual({ mode: 'none', retainUntil: null, keepUntil: null });
  expect([...store.objects.keys()].filter((key) => untilOf(store, key) > 0)).toEqual([]);
});
