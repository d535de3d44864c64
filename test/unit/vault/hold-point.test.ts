import { beforeEach, expect, test, vi } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import {
  beginRun,
  commitPoint,
  holdPoint,
  holdsOf,
  isHeld,
  listHolds,
  releasePoint,
} from '../../../src/vault/index.ts';
import type { KeyService } from '../../../src/vault/key-service.ts';
import { holdKey, releaseKey, tombstoneKey } from '../../../src/vault/object-keys.ts';
import type { Vault } from '../../../src/vault/vault.ts';
import { movingClock } from '../../support/vault-clock.ts';
import { archiveAll, backUp, CONTROL, NEVER, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { type MemoryCall, type MemoryStore, memoryStore } from '../../support/vault-memory-store.ts';
import { noise, testVolume } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 60_000 });

const FIRST = '20261123T023107Z-9f2c0001';
const SECOND = '20261124T023107Z-9f2c0002';
const HOLD_1 = '20261125T000000Z-00000001';
const HOLD_2 = '20261125T000000Z-00000002';
const LOCK = { mode: 'governance', days: 7 } as const;
const volumes = { 'vol-1': testVolume(16, new Map([[0, noise(1)]])) };

let store: MemoryStore;
let keys: KeyService;
let control: Vault;
let before: (call: MemoryCall) => Promise<void> | void;

/** Two points; the second leans on everything of the first. */
beforeEach(async () => {
  before = () => {};
  const clock = movingClock();
  store = memoryStore(undefined, { clock, before: (call) => before(call) });
  keys = await testKeys();
  const mover = await testVault({ store, keys, clock, lock: LOCK });
  const first = await backUp(mover, volumes, { runId: FIRST });
  await beginRun({ vault: mover, session: testSession(volumes, SECOND), signal: NEVER });
  const draft = { ...(await archiveAll(mover, volumes, { runId: SECOND })), volumes: [...first.volumes] };
  await commitPoint({ vault: mover, draft, signal: NEVER });
  control = await testVault({ store, keys, clock, roles: CONTROL });
});

const hold = (pointId: string, holdId: string, reason = 'court order') =>
  holdPoint({ vault: control, pointId, holdId, reason, signal: NEVER });
const release = (pointId: string) => releasePoint({ vault: control, pointId, reason: 'over', signal: NEVER });
const held = () => [...store.objects.keys()].filter((key) => store.lockOf(key)?.hold === true);
const pack = () => [...store.objects.keys()].find((key) => key.includes(FIRST) && key.endsWith('.pack')) ?? '';
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );

test('a hold stands until it is released, and every role can check it', async () => {
  expect(await isHeld({ vault: control, pointId: FIRST, signal: NEVER })).toBe(false);
  await hold(FIRST, HOLD_1);
  const mover = await testVault({ store, keys });
  const holds = await listHolds({ vault: mover, signal: NEVER });
  expect([...holds.keys()]).toEqual([FIRST]);
  expect(holds.get(FIRST)).toMatchObject([{ holdId: HOLD_1, reason: 'court order' }]);
  expect(await release(FIRST)).toHaveLength(1);
  expect(await isHeld({ vault: mover, pointId: FIRST, signal: NEVER })).toBe(false);
  expect(await release(FIRST), 'again').toEqual([]);
});

test('a hold is repeatable; another reason is another hold, and a release ends both', async () => {
  await hold(FIRST, HOLD_1);
  expect((await hold(FIRST, HOLD_2)).holdId).toBe(HOLD_1);
  await hold(FIRST, HOLD_2, 'audit');
  expect(await holdsOf({ vault: control, pointId: FIRST, signal: NEVER })).toHaveLength(2);
  expect(await release(FIRST)).toHaveLength(2);
});

test('where points are locked, everything a held point needs is under a legal hold, and free after the release', async () => {
  await hold(FIRST, HOLD_1);
  const kinds = held().map((key) => key.replace(FIRST, 'run').replace(/[0-9a-f]{64}/, 'digest'));
  expect(kinds.sort()).toEqual(
    [
      holdKey('run', HOLD_1),
      'keys/1.json',
      'points/run.json',
      'runs/run/maps/vol-1-digest.map',
      'runs/run/packs/digest.pack',
      'runs/run/segments/digest.seg',
      'vault.json',
    ].sort(),
  );
  await release(FIRST);
  expect(held()).toEqual([]);
});

test('releasing one point leaves the legal holds that another held point shares', async () => {
  await hold(FIRST, HOLD_1);
  await hold(SECOND, HOLD_2);
  await release(FIRST);
  expect(held()).toContain(pack());
  expect(held()).not.toContain(`points/${FIRST}.json`);
  await release(SECOND);
  expect(held()).toEqual([]);
});

test('a hold placed while another one is released keeps the objects that both need', async () => {
  await hold(FIRST, HOLD_1);
  let other: Promise<unknown> | undefined;
  // Wholly, between the release's look at other holds and its first call.
  before = async ({ name }) => {
    if (name !== 'releaseHold') return;
    other ??= hold(SECOND, HOLD_2);
    await other;
  };
  await release(FIRST);
  expect(held()).toContain(pack());
});

test('a crash in a release leaves the point held, and repeating finishes', async () => {
  await hold(FIRST, HOLD_1);
  before = ({ name, key }) => {
    if (name === 'create' && key === releaseKey(FIRST, HOLD_1)) throw new Error('died');
  };
  await expect(release(FIRST)).rejects.toThrow('died');
  expect(await isHeld({ vault: control, pointId: FIRST, signal: NEVER })).toBe(true);
  before = () => {};
  await release(FIRST);
  expect(await isHeld({ vault: control, pointId: FIRST, signal: NEVER })).toBe(false);
});

test('holds and releases of somebody without the control key count for nothing and are reported', async () => {
  await hold(FIRST, HOLD_1);
  const there = await store.get(holdKey(FIRST, HOLD_1), NEVER);
  store.objects.set(releaseKey(FIRST, HOLD_1), there);
  store.objects.set(holdKey(SECOND, HOLD_1), there);
  const reported: string[] = [];
  const holds = await listHolds({ vault: control, signal: NEVER, onInvalid: (key) => void reported.push(key) });
  expect([...holds.keys()]).toEqual([FIRST]);
  expect(reported.sort()).toEqual([releaseKey(FIRST, HOLD_1), holdKey(SECOND, HOLD_1)].sort());
});

test('a point that has expired or never was cannot be held, and a mover cannot hold', async () => {
  expect(await codeOf(hold('20261125T023107Z-9f2c0003', HOLD_1))).toBe('PointMissing');
  const mover = await testVault({ store, keys });
  const byMover = holdPoint({ vault: mover, pointId: FIRST, holdId: HOLD_1, reason: 'r', signal: NEVER });
  expect(await codeOf(byMover)).toBe('KeyUnusable');
  store.objects.set(tombstoneKey(FIRST), new TextEncoder().encode('forged'));
  expect(await codeOf(hold(FIRST, HOLD_1)), 'a forged tombstone ends nothing').toBe('done');
});
