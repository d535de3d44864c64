import { expect, test } from 'vitest';
import { forecast } from '../../../src/vault/forecast.ts';
import type { Measurement } from '../../../src/vault/measurement.ts';

const MB = 1e6;
function measured(changes: Partial<Measurement>, ...taken: readonly [phase: string, ms: number][]): Measurement {
  return {
    runId: '20261120T010000Z-00000001',
    pointId: '20261120T000000Z-00000001',
    machineId: 'i-own',
    kind: 'instance',
    startedAt: '2026-11-20T01:00:00.000Z',
    toolVersion: 'test',
    where: { platform: 'ec2', place: 'local-1' },
    bytes: 100 * MB,
    phases: taken.map(([phase, ms]) => ({ phase, ms })),
    ...changes,
  };
}
const asked = { kinds: ['instance', 'verification'] as const, machineId: 'i-own', bytes: 200 * MB };

test('time that moves bytes grows with them, every other phase takes what it took', () => {
  const measurements = [measured({}, ['restore', 1_000], ['create', 500])];
  const found = forecast({ ...asked, measurements });
  expect(found).toMatchObject({ fromMs: 2_500, toMs: 2_500, beyondMeasured: false });
});

test('several measurements give a range from the best to the worst rate', () => {
  const measurements = [
    measured({}, ['restore', 1_000], ['create', 500]),
    measured({ bytes: 50 * MB }, ['restore', 2_000], ['create', 300]),
  ];
  const found = forecast({ ...asked, measurements });
  expect(found?.phases).toEqual([
    { phase: 'restore', fromMs: 2_000, toMs: 8_000 },
    { phase: 'create', fromMs: 300, toMs: 500 },
  ]);
  expect(found?.basedOn).toMatchObject({ measurements: 2, sameMachine: true, kind: 'instance' });
});

test('a restore of the same kind counts before a verification, and the own machine before others', () => {
  const measurements = [
    measured({ kind: 'verification' }, ['restore', 1]),
    measured({ machineId: 'i-other' }, ['restore', 9_000]),
    measured({}, ['restore', 1_000]),
  ];
  expect(forecast({ ...asked, measurements })).toMatchObject({ fromMs: 2_000, toMs: 2_000 });
});

test('only other machines were measured: it says so', () => {
  const measurements = [measured({ machineId: 'i-other' }, ['restore', 1_000])];
  expect(forecast({ ...asked, measurements })?.basedOn.sameMachine).toBe(false);
});

test('a point over four times larger than any measured one makes the figures a guess', () => {
  const measurements = [measured({}, ['restore', 1_000])];
  expect(forecast({ ...asked, bytes: 401 * MB, measurements })?.beyondMeasured).toBe(true);
});

test.each([
  { what: 'nothing at all', measurements: [] },
  { what: 'only another kind', measurements: [measured({ kind: 'images' }, ['restore', 1])] },
])('with $what measured there is no forecast', ({ measurements }) => {
  expect(forecast({ ...asked, measurements })).toBeUndefined();
});
