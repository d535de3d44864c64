import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecipeAnswer } from '../../../../src/contract/evidence.ts';
import { readHarvest } from '../../../../src/recipes/boot/harvest.ts';

const DIGEST = 'a'.repeat(64);
const RECORD = `place 1\nstarted 1764210667\nended 1764210670\nstatus 0\nlog-bytes 12\nlog-sha256 ${DIGEST}\nfiles 2\nbytes 99\nlist-sha256 ${DIGEST}\n`;
const ANSWERS: readonly RecipeAnswer[] = [
  { recipe: 'postgresql', step: 'agent', ok: true, facts: { rows: 7 } },
  { recipe: 'postgresql', step: 'check', ok: true, facts: { checked: 'archive' } },
  { recipe: 'redis', step: 'agent', ok: true, facts: { rows: 8 } },
];
const filesOf = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)]));

test('a record comes back with the facts of agent and check', () => {
  const files = filesOf({ 'agents/output.record': 'unmounted 1\n', 'agents/postgresql.record': RECORD });
  expect(readHarvest(files, ANSWERS)).toEqual({
    records: [
      {
        recipe: 'postgresql',
        exitStatus: 0,
        startedAt: '2025-11-27T02:31:07.000Z',
        endedAt: '2025-11-27T02:31:10.000Z',
        log: { bytes: 12, sha256: DIGEST },
        output: { files: 2, bytes: 99, listSha256: DIGEST },
        facts: { rows: 7, checked: 'archive' },
      },
    ],
  });
});

test('records of one second stand in the order in which the agents ran, whatever they are called', () => {
  const record = (place: number) => RECORD.replace('place 1', `place ${place}`);
  const files = filesOf({
    'agents/output.record': 'unmounted 1\n',
    'agents/a.record': record(3),
    'agents/b.record': record(10),
    'agents/c.record': record(2),
    'agents/d.record': record(1),
  });
  expect(readHarvest(files, [])?.records.map(({ recipe }) => recipe)).toEqual(['d', 'c', 'a', 'b']);
});

test("a record of an earlier version's script, which says no place, counts", () => {
  const record = RECORD.replace('place 1\n', '');
  const files = filesOf({ 'agents/output.record': 'unmounted 1\n', 'agents/redis.record': record });
  expect(readHarvest(files, [])?.records).toMatchObject([{ recipe: 'redis', exitStatus: 0 }]);
});

test('an output that was not unmounted in order is not usable, and says why in neutral text', () => {
  const files = filesOf({ 'agents/output.record': 'failed the output file system \u001b[31mstayed busy\n' });
  expect(readHarvest(files, [])).toEqual({
    records: [],
    unusable: expect.stringMatching(/^the output file system +.31mstayed busy$/),
  });
});

test('without agents there is no harvest', () => {
  expect(readHarvest(filesOf({ finished: '' }), [])).toBeUndefined();
});

test.each([
  { what: 'without its list', record: RECORD.replace(/^list-sha256.*$/m, ''), output: null },
  { what: 'without its file count', record: RECORD.replace(/^files.*$/m, 'files many'), output: null },
])('a record $what says nothing about output', ({ record, output }) => {
  const files = filesOf({ 'agents/output.record': 'unmounted 1\n', 'agents/redis.record': record });
  expect(readHarvest(files, [])?.records).toMatchObject([{ recipe: 'redis', output }]);
});

test('any record gives a reading', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), fc.nat(RECORD.length), (noise, at) => {
      const record = RECORD.slice(0, at) + noise + RECORD.slice(at);
      const files = filesOf({ 'agents/output.record': noise, 'agents/redis.record': record });
      const harvest = readHarvest(files, []);
      for (const { startedAt, output } of harvest?.records ?? []) {
        expect(Number.isNaN(Date.parse(startedAt))).toBe(false);
        if (output) expect(output.listSha256).toMatch(/^[0-9a-f]{64}$/);
      }
    }),
  );
});
