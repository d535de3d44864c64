import { expect, test, vi } from 'vitest';
import { VaultError } from '../../../../src/errors.ts';
import { expirePoint, type Finding, type VaultVerdict, verifyVault } from '../../../../src/vault/index.ts';
import { pointKey, tombstoneKey } from '../../../../src/vault/object-keys.ts';
import type { ObjectStore } from '../../../../src/vault/object-store.ts';
import type { Vault } from '../../../../src/vault/vault.ts';
import { latestCheck, type VerifyLevel } from '../../../../src/vault/verify/check-record.ts';
import { choosePacks } from '../../../../src/vault/verify/choose-packs.ts';
import { chooseEntries } from '../../../../src/vault/verify/read-pack.ts';
import { backUp, CONTROL, MOVER, NEVER, NOW, RUN_ID, testKeys, testVault } from '../../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../../support/vault-memory-store.ts';
import { noise, testVolume, text } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const SECOND = '20261124T023107Z-9f2c0002';
const volume = (seed: string) =>
  testVolume(
    8192 + 3,
    new Map([
      [0, text(seed)],
      [5, noise(seed)],
      [6, noise(`${seed} 6`)],
      [8194, text(`${seed} last`)],
    ]),
  );

let made: ReadonlyMap<string, Uint8Array> | undefined;

/** Each test gets a copy: sealing the same blocks fifteen times would prove nothing more. */
async function twoPoints() {
  const keys = await testKeys();
  made ??= await makeTwoPoints();
  const store = memoryStore(new Map(made));
  return { store, keys, vault: await testVault({ store, keys, roles: MOVER }) };
}

async function makeTwoPoints(): Promise<ReadonlyMap<string, Uint8Array>> {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys(), roles: MOVER });
  await backUp(vault, { 'vol-1': volume('one') });
  await backUp(vault, { 'vol-1': volume('two') }, { runId: SECOND });
  return store.objects;
}

async function verify(vault: Vault, level: VerifyLevel, pointIds?: readonly string[]) {
  const findings: Finding[] = [];
  const request = { vault, level, ...(pointIds && { pointIds }), signal: NEVER };
  const verdict = await verifyVault({ ...request, onFinding: (finding) => findings.push(finding) });
  return { verdict, findings };
}

const packsOf = ({ objects }: MemoryStore, runId: string) =>
  [...objects.keys()].filter((key) => key.startsWith(`runs/${runId}/packs/`)).sort();

const summary = ({ verdict, points, packs, packsRead, blocksRead }: VaultVerdict) => ({
  verdict,
  points: points.length,
  packs,
  packsRead,
  blocksRead,
});

test('structure opens no block and needs the meta root only', async () => {
  const { store, keys } = await twoPoints();
  const meta = await testVault({ store, keys, roles: ['meta'], seed: 'search' });
  const { verdict } = await verify(meta, 'structure');
  expect(summary(verdict)).toEqual({ verdict: 'sound', points: 2, packs: 4, packsRead: 0, blocksRead: 0 });
  expect(verdict.remembered).toBe(false);
});

test('a sample without the data root fails at once, before anything is read', async () => {
  const { store, keys } = await twoPoints();
  const meta = await testVault({ store, keys, roles: ['meta'], seed: 'search' });
  await expect(verify(meta, 'sample')).rejects.toThrow(/needs the data root/);
});

test('full opens every block of every pack once', async () => {
  const { vault } = await twoPoints();
  const { verdict } = await verify(vault, 'full');
  expect(summary(verdict)).toEqual({ verdict: 'sound', points: 2, packs: 4, packsRead: 4, blocksRead: 8 });
});

test('a sample reads every new pack, then rotates: what was read longest ago comes next', async () => {
  const { store, vault } = await twoPoints();
  const first = await verify(vault, 'sample');
  expect(summary(first.verdict)).toMatchObject({ packsRead: 4, blocksRead: 4 });
  const everything = [...packsOf(store, RUN_ID), ...packsOf(store, SECOND)];
  const seen: string[] = [];
  for (let round = 0; round < 5; round++) {
    const clock = { ...vault.clock, now: () => new Date(`2026-12-0${round + 1}T00:00:00.000Z`) };
    const spied: Vault = { ...vault, clock, store: countingGets(store, seen) };
    expect(summary((await verify(spied, 'sample')).verdict), `round ${round}`).toMatchObject({ packsRead: 1 });
  }
  expect(seen.filter((key) => key.endsWith('.pack'))).toEqual([...everything, everything[0]]);
});

function countingGets(store: ObjectStore, seen: string[]): ObjectStore {
  return {
    ...store,
    async get(key, signal, range) {
      if (!range) seen.push(key);
      return store.get(key, signal, range);
    },
  };
}

test('packs of a point committed since the last check are new to the sample, the others rotate', async () => {
  const { vault } = await twoPoints();
  await verify(vault, 'sample');
  const later: Vault = { ...vault, clock: { ...vault.clock, now: () => new Date('2026-11-25T00:00:00.000Z') } };
  await backUp(later, { 'vol-1': volume('three') }, { runId: '20261125T000000Z-9f2c0003' });
  // Two new packs, and 1 % of four old ones.
  expect(summary((await verify(later, 'sample')).verdict)).toMatchObject({ packs: 6, packsRead: 3 });
  expect((await latestCheck(vault, NEVER))?.newestCommit).toBe('2026-11-25T00:00:00.000Z');
});

test('a damaged check record is stepped over; the one before it counts', async () => {
  const { store, vault } = await twoPoints();
  await verify(vault, 'sample');
  store.objects.set('index/checks/20991231T000000Z-00000000.json', new TextEncoder().encode('{}'));
  expect((await latestCheck(vault, NEVER))?.startedAt).toBe(NOW);
});

test('a role that may not write verifies all the same, and says that nothing is remembered', async () => {
  const { store, vault } = await twoPoints();
  const readOnly: ObjectStore = {
    ...store,
    create: async (key) => {
      throw new VaultError('AccessDenied', `${key}: no`);
    },
  };
  const { verdict } = await verify({ ...vault, store: readOnly }, 'sample');
  expect(verdict).toMatchObject({ verdict: 'sound', remembered: false });
});

test('a lost pack is named for the point that needs it and for no other', async () => {
  const { store, vault } = await twoPoints();
  const [lost = ''] = packsOf(store, SECOND);
  store.objects.delete(lost);
  const { verdict, findings } = await verify(vault, 'structure');
  expect(findings.map(({ object, pointId }) => [object, pointId])).toEqual([[lost, SECOND]]);
  expect(verdict.points.map(({ pointId, verdict }) => [pointId, verdict])).toEqual([
    [RUN_ID, 'sound'],
    [SECOND, 'damaged'],
  ]);
  expect(summary((await verify(vault, 'full', [RUN_ID])).verdict)).toMatchObject({ verdict: 'sound', points: 1 });
});

test('damage of a point that expires while it is verified is a notice: it may be collected', async () => {
  const { store, keys, vault } = await twoPoints();
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  const { sealDocument } = await import('../../../../src/vault/documents.ts');
  const { TOMBSTONE } = await import('../../../../src/vault/read-tombstone.ts');
  const key = tombstoneKey(SECOND);
  const body = { pointId: SECOND, expiredAt: NOW, reason: 'keep last 1' };
  const [lost = ''] = packsOf(store, SECOND);
  const racing: ObjectStore = {
    ...store,
    async *list(prefix, signal) {
      // The collector is as fast as can be: points are listed, then this one goes.
      if (prefix.includes('/packs/')) {
        store.objects.set(key, sealDocument(TOMBSTONE, body, { vault: control, key }));
        store.objects.delete(lost);
      }
      yield* store.list(prefix, signal);
    },
  };
  const { verdict, findings } = await verify({ ...vault, store: racing }, 'full');
  expect(verdict).toMatchObject({ verdict: 'sound', damage: 0 });
  expect(findings.map(({ severity, object }) => [severity, object])).toContainEqual(['notice', lost]);
  expect(findings.every(({ remains }) => remains.startsWith('the point has expired'))).toBe(true);
});

test('a named point that is not there is an error and no damage', async () => {
  const { vault } = await twoPoints();
  await expect(verify(vault, 'structure', ['20990101T000000Z-00000000'])).rejects.toMatchObject({
    code: 'PointMissing',
  });
});

test('an unreachable store ends the verification: it is no damage', async () => {
  const { store, vault } = await twoPoints();
  const failing: ObjectStore = {
    ...store,
    async get(key, signal, range) {
      if (key.endsWith('.seg')) throw new VaultError('VaultUnreachable', 'the network is down');
      return store.get(key, signal, range);
    },
  };
  await expect(verify({ ...vault, store: failing }, 'structure')).rejects.toMatchObject({ code: 'VaultUnreachable' });
});

test('it ends when it is told to', async () => {
  const { vault } = await twoPoints();
  const stop = new AbortController();
  const running = verifyVault({
    vault,
    level: 'full',
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('enough')),
  });
  await expect(running).rejects.toThrow('enough');
});

test('a damaged point object is damage although no volume can be named any more', async () => {
  const { store, vault } = await twoPoints();
  store.objects.set(pointKey(SECOND), new TextEncoder().encode('{"format":"understudy.commit/1"'));
  const { verdict, findings } = await verify(vault, 'full');
  expect(verdict).toMatchObject({ verdict: 'damaged', damage: 1 });
  expect(findings[0]).toMatchObject({ object: pointKey(SECOND), pointId: SECOND });
});

test('a point that was deleted is missed by its catalog line, unless a tombstone says that it has expired', async () => {
  const { store, keys, vault } = await twoPoints();
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control' });
  store.objects.delete(pointKey(RUN_ID));
  const { verdict, findings } = await verify(vault, 'structure');
  expect(findings).toMatchObject([
    {
      severity: 'notice',
      object: pointKey(RUN_ID),
      pointId: RUN_ID,
      found: expect.stringMatching(/does not exist.*catalog\/.* names it/),
    },
  ]);
  expect(summary(verdict)).toMatchObject({ verdict: 'sound', points: 1 });
  expect((await verify(vault, 'structure', [SECOND])).findings, 'nobody asked for the others').toEqual([]);
  await expirePoint({ vault: control, pointId: RUN_ID, reason: 'test', signal: NEVER });
  expect((await verify(vault, 'structure')).findings).toEqual([]);
});

test('a point that commits while points are learned is not missed', async () => {
  const { keys } = await twoPoints();
  const objects = new Map(made);
  const late = [...objects].filter(([key]) => key.includes(SECOND) && /^(points|catalog)/.test(key));
  for (const [key] of late) objects.delete(key);
  const store = memoryStore(objects, {
    before: ({ name, key }) => {
      if (name === 'list' && key === 'catalog/') for (const [key, bytes] of late) objects.set(key, bytes);
    },
  });
  const { findings } = await verify(await testVault({ store, keys, roles: MOVER }), 'structure');
  expect(findings).toEqual([]);
});

test('the blocks of a sample are drawn by its seed, at least one, in order', () => {
  const entries = Array.from({ length: 100 }, (_, i) => i);
  const drawn = chooseEntries(entries, { share: 0.05, seed: 'a' });
  expect(drawn).toHaveLength(5);
  expect(drawn).toEqual([...drawn].sort((a, b) => a - b));
  expect(chooseEntries(entries, { share: 0.05, seed: 'a' })).toEqual(drawn);
  expect(chooseEntries(entries, { share: 0.05, seed: 'b' })).not.toEqual(drawn);
  expect(chooseEntries([7], { share: 0.05, seed: 'a' })).toEqual([7]);
});

test('a hundred samples of a vault at rest read every pack whole, whatever is added or collected between', () => {
  const pack = (n: number) => {
    const packId = n.toString(16).padStart(64, '0');
    const key = `runs/${RUN_ID}/packs/${packId}.pack`;
    return [
      key,
      {
        key,
        runId: RUN_ID,
        packId,
        packBytes: 100,
        keyEpoch: 1,
        storedBytes: 100,
        fault: undefined,
        proven: undefined,
      },
    ] as const;
  };
  let known = new Map(Array.from({ length: 1000 }, (_, i) => pack(i * 2)));
  const read = new Set<string>();
  let cursor: { runId: string; packId: string } | null = null;
  for (let round = 0; round < 110; round++) {
    if (round === 50) known = new Map([...known, pack(101)].filter(([key]) => key !== pack(0)[0]));
    const last = { cursor } as never;
    const chosen = choosePacks(known, { level: 'sample', isNew: () => false, last });
    for (const { key } of chosen.whole) read.add(key);
    cursor = chosen.cursor;
  }
  expect([...known.keys()].filter((key) => !read.has(key))).toEqual([]);
});
