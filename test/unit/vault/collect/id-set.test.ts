import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { IdSet } from '../../../../src/vault/collect/id-set.ts';
import { ListedObjects } from '../../../../src/vault/collect/listed-objects.ts';
import { recognizeObject, type StoredObject } from '../../../../src/vault/collect/stored-object.ts';

const id = (i: number) => createHash('sha256').update(String(i)).digest('hex');
const RUN = '20261123T023107Z-9f2c0001';

test('a set holds what was added and nothing else, through all its growth', () => {
  const set = new IdSet();
  for (let i = 0; i < 5000; i++) set.add(id(i));
  for (let i = 0; i < 5000; i++) set.add(id(i));
  expect(set.size).toBe(5000);
  expect(Array.from({ length: 5000 }, (_, i) => set.has(id(i))).every(Boolean)).toBe(true);
  expect(Array.from({ length: 5000 }, (_, i) => set.has(id(i + 5000))).some(Boolean)).toBe(false);
});

test('an id that begins with zeros, or half of it does, is an id like any other', () => {
  const set = new IdSet();
  const zeros = '0'.repeat(64);
  const highOnly = `00000001${'0'.repeat(56)}`;
  const lowOnly = `0000000000000001${'0'.repeat(48)}`;
  expect([zeros, highOnly, lowOnly].map((one) => set.has(one))).toEqual([false, false, false]);
  for (const one of [zeros, zeros, highOnly, highOnly, lowOnly]) set.add(one);
  expect([zeros, highOnly, lowOnly].map((one) => set.has(one))).toEqual([true, true, true]);
  expect(set.size).toBe(3);
  // Its neighbours in the table, when it grows.
  for (let i = 0; i < 1000; i++) set.add(id(i));
  expect([zeros, highOnly, lowOnly].map((one) => set.has(one))).toEqual([true, true, true]);
});

test('a listing gives back every object with its size, a session after the rest of its run', () => {
  const keys = [
    `runs/${RUN}/session.json`,
    ...Array.from({ length: 40 }, (_, i) => `runs/${RUN}/packs/${id(i)}.pack`),
    `runs/${RUN}/segments/${id(100)}.seg`,
    `runs/${RUN}/maps/vol-1-${id(101)}.map`,
    `runs/${RUN}/shards/vol-1-0.json`,
    `runs/${RUN}/changes/vol-1.chg`,
    `runs/${RUN}/evidence/console.txt`,
    `catalog/i-1/20261123T023107Z-${RUN}.json`,
  ];
  const listed = new ListedObjects();
  const objects = keys.map((key, i) => recognizeObject({ key, bytes: i })).filter((one): one is StoredObject => !!one);
  for (const object of objects) listed.add(object);
  const all = [...listed.all()];
  expect(new Set(all)).toEqual(new Set(objects));
  expect(all.at(-1)?.kind).toBe('session');
  expect([listed.has(RUN), listed.has('20261123T023107Z-9f2c0002')]).toEqual([true, false]);
});

test('keys that this version does not know are not its to remove', () => {
  const unknown = [
    'vault.json',
    'keys/1.json',
    `points/${RUN}.json`,
    `tombstones/${RUN}.json`,
    `attestations/${RUN}/${RUN}.json`,
    `holds/${RUN}/${RUN}.json`,
    `gc/${RUN}/plan.json`,
    `runs/${RUN}/packs/short.pack`,
    `runs/${RUN}/later/thing`,
    'runs/no-run/session.json',
    'index/a',
  ];
  expect(unknown.map((key) => recognizeObject({ key, bytes: 1 }))).toEqual(unknown.map(() => undefined));
});
