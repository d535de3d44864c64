import { expect, test, vi } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import {
  archiveShard,
  beginRun,
  type ChangeHints,
  type Manifest,
  openParentVolume,
  openVolume,
  type Vault,
} from '../../../src/vault/index.ts';
import { readMap } from '../../../src/vault/read-map.ts';
import type { VolumeMap } from '../../../src/vault/volume-map.ts';
import { dyingStore } from '../../support/vault-faulty-store.ts';
import { type BackUpOptions, backUp, NEVER, testKeys, testSession, testVault } from '../../support/vault-fixture.ts';
import { type MemoryStore, memoryStore } from '../../support/vault-memory-store.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { noise, type TestVolume, testVolume, text, zeros } from '../../support/vault-volume.ts';

// Each point seals some megabytes; beside a machine that boots that takes long.
vi.setConfig({ testTimeout: 120_000 });

const FIRST = '20261101T000000Z-00000001';
const SECOND = '20261102T000000Z-00000002';
const SEGMENT = 8192;

type Written = ReadonlyMap<number, Uint8Array>;

/** Exactly what differs. */
function changesBetween(before: Written, now: Written): Set<number> {
  const bytesOf = (written: Written, index: number) => written.get(index) ?? zeros();
  const all = new Set([...before.keys(), ...now.keys()]);
  return new Set([...all].filter((index) => Buffer.compare(bytesOf(before, index), bytesOf(now, index)) !== 0));
}

async function expectByteExact(vault: Vault, pointId: string, volume: TestVolume): Promise<void> {
  const archived = await openVolume({ vault, pointId, volumeId: 'vol-1', signal: NEVER });
  expect(archived.volumeBytes).toBe(volume.volumeBytes);
  const left = new Map([...volume.written].filter(([, bytes]) => bytes.some((byte) => byte !== 0)));
  for await (const { index, bytes } of archived.blocks({ from: 0, to: volume.volumeBytes / BLOCK_BYTES }, NEVER)) {
    expect(Buffer.compare(bytes, left.get(index) ?? zeros()), `block ${index} of ${pointId}`).toBe(0);
    left.delete(index);
  }
  expect([...left.keys()], `blocks missing in ${pointId}`).toEqual([]);
}

async function mapOf(vault: Vault, { volumes: [volume] }: Manifest): Promise<VolumeMap> {
  if (!volume) throw new Error('a point of no volumes');
  return readMap(vault, volume, NEVER);
}

const packsOf = (store: MemoryStore, runId: string) =>
  [...store.objects.keys()].filter((key) => key.startsWith(`runs/${runId}/packs/`)).length;

/** 8,192 + 40 blocks: two segments. `blocks` by index as words; each becomes a block of text. */
function words(blocks: Readonly<Record<number, string>>, size = SEGMENT + 40): TestVolume {
  return testVolume(size, new Map(Object.entries(blocks).map(([index, word]) => [Number(index), text(word)])));
}

async function twoPoints(before: TestVolume, now: TestVolume, options: BackUpOptions = {}) {
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  const parent = await backUp(vault, { 'vol-1': before }, { runId: FIRST });
  const hints = { 'vol-1': changesBetween(before.written, now.written) as ChangeHints };
  const point = await backUp(vault, { 'vol-1': now }, { runId: SECOND, parent, changed: hints, ...options });
  await expectByteExact(vault, FIRST, before);
  await expectByteExact(vault, SECOND, now);
  return { store, vault, parent, point };
}

test('with hints only changed blocks and the sample are read, and a segment without a change is reused by pointer', async () => {
  const many = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [i * 5, `row ${i}`]));
  const before = words({ ...many, [SEGMENT + 3]: 'a' });
  const now = words({ ...many, [SEGMENT + 3]: 'b' });
  const { vault, store, parent, point } = await twoPoints(before, now);
  const [first, second] = [await mapOf(vault, parent), await mapOf(vault, point)];
  expect(second.segments[0]).toEqual(first.segments[0]);
  expect(second.segments[1]?.runId).toBe(SECOND);
  expect(packsOf(store, SECOND)).toBe(1);
  // 16 from the start, 16 at random, and the change.
  expect(now.reads).toHaveLength(33);
  expect(now.reads.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => i * 5));
  expect(now.reads.at(-1)).toBe(SEGMENT + 3);
  const between = now.reads.slice(16, 32).map((index) => index / 5);
  expect(between).toEqual([...new Set(between)].sort((a, b) => a - b));
  expect(second.packs.map(({ runId }) => runId).sort()).toEqual([FIRST, SECOND]);
});

test('without hints every block is read, and what is as in the parent is not stored again', async () => {
  const before = words({ 0: 'a', 1: 'b', 9: 'c', [SEGMENT]: 'd' });
  const now = words({ 0: 'a', 1: 'B', 9: 'c', [SEGMENT]: 'd' });
  const { vault, parent, point } = await twoPoints(before, now, { changed: {} });
  expect(now.reads).toEqual([0, 1, 9, SEGMENT]);
  const [first, second] = [await mapOf(vault, parent), await mapOf(vault, point)];
  expect(second.segments[1]).toEqual(first.segments[1]);
  const mine = second.packs.filter(({ runId }) => runId === SECOND);
  expect(mine).toHaveLength(1);
  expect(mine[0]?.packBytes).toBeLessThan(2000);
});

test('a full read of a volume that did not change stores neither pack nor segment', async () => {
  const before = words({ 0: 'a', 7: 'b', [SEGMENT + 1]: 'c' });
  const { vault, store, parent, point } = await twoPoints(before, words({ 0: 'a', 7: 'b', [SEGMENT + 1]: 'c' }), {
    changed: {},
  });
  expect([...store.objects.keys()].filter((key) => /^runs\/20261102.*\.(pack|seg)$/.test(key))).toEqual([]);
  expect((await mapOf(vault, point)).segments).toEqual((await mapOf(vault, parent)).segments);
  expect(point.volumes[0]?.map.volumeDigest).toBe(parent.volumes[0]?.map.volumeDigest);
});

test('a block that the parent alone had becomes a hole, by hints and by a full read', async () => {
  for (const changed of [undefined, {}]) {
    const { vault, point, store } = await twoPoints(
      words({ 0: 'a', 4: 'gone', [SEGMENT]: 'all of it gone' }),
      words({ 0: 'a' }),
      changed && { changed },
    );
    expect(await mapOf(vault, point)).toMatchObject({ storedBlocks: 1, segments: [{ runId: SECOND }, null] });
    expect(packsOf(store, SECOND)).toBe(0);
  }
});

test('a block written with zeros becomes a hole, and one that is in the hints without a change is not stored again', async () => {
  const now = testVolume(
    SEGMENT + 40,
    new Map([
      [0, text('a')],
      [4, zeros()],
      [5, zeros()],
    ]),
  );
  const { vault, point, store } = await twoPoints(words({ 0: 'a', 4: 'gone' }), now, {
    changed: { 'vol-1': new Set([0, 4, 5, 6, 7000]) },
  });
  expect(await mapOf(vault, point)).toMatchObject({ storedBlocks: 1 });
  expect(packsOf(store, SECOND)).toBe(0);
});

test.each([
  { what: 'other content', now: { 0: 'a', 3: 'B' }, found: 'reads otherwise' },
  { what: 'zeros', now: { 0: 'a', 3: '' }, found: 'all zeros' },
  { what: 'nothing, though the source says so for free', now: { 0: 'a' }, found: 'does not list it' },
  { what: 'a block where the parent had a hole', now: { 0: 'a', 3: 'b', 5: 'c' }, found: 'reads otherwise' },
])('hints that hide $what end in AuditFailed, which names volume and block', async ({ now, found }) => {
  const written = new Map(Object.entries(now).map(([index, word]) => [Number(index), word ? text(word) : zeros()]));
  const attempt = twoPoints(words({ 0: 'a', 3: 'b' }), testVolume(SEGMENT + 40, written), {
    changed: { 'vol-1': new Set() },
  });
  const error: unknown = await attempt.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(VaultError);
  expect(error).toMatchObject({ code: 'AuditFailed', status: 'permanent', context: { volumeId: 'vol-1' } });
  expect(String(error)).toMatch(new RegExp(`block ${'5' in now ? 5 : 3} of vol-1 .* ${found}.*by itself`));
});

test('a volume that grew keeps what it shares; blocks beyond the old end are read whatever the hints say', async () => {
  const blocks = { 0: 'a', 9: 'b', [SEGMENT]: 'c', [SEGMENT + 39]: 'last' };
  const before = words(blocks);
  const now = words({ ...blocks, [SEGMENT + 40]: 'new', [2 * SEGMENT + 1]: 'new segment' }, 3 * SEGMENT);
  const { vault, parent, point } = await twoPoints(before, now, { changed: { 'vol-1': new Set() } });
  const [first, second] = [await mapOf(vault, parent), await mapOf(vault, point)];
  expect(second.segments[0]).toEqual(first.segments[0]);
  expect(second.segments.slice(1).map((segment) => segment?.runId)).toEqual([SECOND, SECOND]);
  expect(second.packs.map(({ runId }) => runId).sort()).toEqual([FIRST, FIRST, SECOND, SECOND]);
  expect(second.storedBlocks).toBe(6);
});

test('a parent that the session does not name is refused: collection would not spare what is reused', async () => {
  const vault = await testVault({ store: memoryStore(), keys: await testKeys() });
  const source = words({ 0: 'a' });
  const { volumes } = await backUp(vault, { 'vol-1': source }, { runId: FIRST });
  const map = volumes[0]?.map;
  if (!map) throw new Error('no map');
  const parent = await openParentVolume({ vault, pointId: FIRST, volumeId: 'vol-1', map, signal: NEVER });
  await beginRun({ vault, session: testSession({ 'vol-1': source }, SECOND), signal: NEVER });
  const request = { vault, runId: SECOND, volumeId: 'vol-1', shard: 0, shardSegments: 1, source, signal: NEVER };
  await expect(archiveShard({ ...request, parent })).rejects.toThrow(/20261101T000000Z-00000001.*does not name/);
});

test("a parent's segment that is damaged or gone is read and stored anew, and told", async () => {
  for (const damage of ['flip', 'remove'] as const) {
    const store = memoryStore();
    const vault = await testVault({ store, keys: await testKeys() });
    const volume = words({ 0: 'a', 5: 'b' });
    const parent = await backUp(vault, { 'vol-1': volume }, { runId: FIRST });
    const key = [...store.objects.keys()].find((name) => name.endsWith('.seg')) ?? '';
    const bytes = store.objects.get(key);
    if (bytes) bytes[40] = (bytes[40] ?? 0) ^ 1;
    if (damage === 'remove') store.objects.delete(key);
    const told: string[] = [];
    const now = words({ 0: 'a', 5: 'b' });
    const changed = { 'vol-1': new Set<number>() };
    const options = { runId: SECOND, parent, changed, onParentDamage: (reason: string) => told.push(reason) };
    const point = await backUp(vault, { 'vol-1': now }, options);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(key);
    expect((await mapOf(vault, point)).packs.map(({ runId }) => runId)).toEqual([SECOND]);
    await expectByteExact(vault, SECOND, now);
  }
});

test('whichever write of an incremental run a crash hits, both points are whole or the second is not there', async () => {
  const before = words({ 0: 'a', 5: 'b', [SEGMENT]: 'c' });
  const now = () => words({ 0: 'a', 5: 'B', [SEGMENT]: 'c', [SEGMENT + 2]: 'd' });
  const changed = { 'vol-1': new Set([5, SEGMENT + 2]) };
  const keys = await testKeys();
  // session, 2 × (pack, segment, record), map, commit, catalog; the last row dies nowhere.
  const writes = 10;
  for (let dieAt = 1; dieAt <= writes + 1; dieAt++) {
    const store = memoryStore();
    const vault = await testVault({ store, keys });
    const parent = await backUp(vault, { 'vol-1': before }, { runId: FIRST });
    const dying = { ...vault, store: dyingStore(store, { dieAt, stored: dieAt % 2 === 0 }) };
    const options = { runId: SECOND, parent, changed };
    const died = await backUp(dying, { 'vol-1': now() }, options).then(
      () => false,
      (error: unknown) => String(error).includes('died at create'),
    );
    expect(died, `create ${dieAt}`).toBe(dieAt <= writes);
    const finished = await backUp(vault, { 'vol-1': now() }, options);
    expect(finished.parents).toEqual([{ volumeId: 'vol-1', pointId: FIRST, mapId: parent.volumes[0]?.map.mapId }]);
    await expectByteExact(vault, FIRST, before);
    await expectByteExact(vault, SECOND, now());
  }
});

/** A source of numbers that repeats with its seed. */
function dice(seed: string) {
  const bytes = seededBytes(seed);
  return (sides: number) => new DataView(bytes(4).buffer).getUint32(0) % sides;
}

test.each([1, 2, 3])('random changes, seed %i: every point of a chain restores byte for byte', async (seed) => {
  const roll = dice(`incremental ${seed}`);
  const store = memoryStore();
  const vault = await testVault({ store, keys: await testKeys() });
  let size = SEGMENT + 20;
  let written = new Map<number, Uint8Array>();
  const points: { pointId: string; volume: TestVolume }[] = [];
  let parent: Manifest | undefined;
  for (let round = 0; round < 6; round++) {
    const before = written;
    written = mutate(before, size, roll, round);
    if (round === 3) size += 2 * SEGMENT;
    const volume = testVolume(size, written);
    const runId = `2026110${round + 1}T000000Z-0000000${seed}`;
    const hints = new Set([...changesBetween(before, written), roll(size), roll(40)]);
    const changed: Record<string, ChangeHints> = roll(3) === 0 ? {} : { 'vol-1': hints };
    const options: BackUpOptions = { runId, shardSegments: 1 + roll(2), changed, ...(parent && { parent }) };
    const point = await backUp(vault, { 'vol-1': volume }, options);
    if (parent && changed['vol-1']) expect(volume.reads.length).toBeLessThanOrEqual(hints.size + 2 * 64);
    await expectNothingTwice(vault, { parent, point, before, written });
    points.push({ pointId: runId, volume });
    parent = point;
  }
  for (const { pointId, volume } of points) await expectByteExact(vault, pointId, volume);
});

function mutate(before: Written, size: number, roll: (sides: number) => number, round: number) {
  const written = new Map(before);
  for (let i = 0; i < (round === 0 ? 60 : 12); i++) {
    const index = roll(3) === 0 ? roll(size) : roll(40) + (roll(2) === 0 ? 0 : SEGMENT - 20);
    const kind = roll(6);
    if (kind === 0) written.delete(index);
    else if (kind === 1) written.set(index, zeros());
    else if (kind === 2) written.set(index, noise(`${round} ${i}`));
    else written.set(index, text(`row ${roll(50)}`));
  }
  return written;
}

interface Sharing {
  readonly parent: Manifest | undefined;
  readonly point: Manifest;
  readonly before: Written;
  readonly written: Written;
}

/** Blocks in packs of the new run are at most those that changed. */
async function expectNothingTwice(vault: Vault, { parent, point, before, written }: Sharing): Promise<void> {
  if (!parent) return;
  const map = await mapOf(vault, point);
  const mine = map.packs.filter(({ runId }) => runId === point.pointId);
  const changed = [...changesBetween(before, written)].filter((index) =>
    written.get(index)?.some((byte) => byte !== 0),
  );
  if (changed.length === 0) expect(mine).toEqual([]);
  // Entries of 45 bytes in the trailer tell how many blocks a pack holds at most.
  const bytes = mine.reduce((sum, { packBytes }) => sum + packBytes, 0);
  expect(bytes).toBeLessThanOrEqual(changed.length * (BLOCK_BYTES + 28 + 45) + mine.length * 200);
}
