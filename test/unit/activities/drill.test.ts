import { expect, test } from 'vitest';
import { byTurns, createDrillActivities } from '../../../src/activities/drill.ts';
import type { DrillCandidate } from '../../../src/contract/drill.ts';
import { activityEnvironment } from '../../support/activity.ts';
import { collectedVault, P0, P1, P2 } from '../../support/collection.ts';

const candidate = (pointId: string, instanceId: string, provenAt: string | null): DrillCandidate => ({
  pointId,
  instanceId,
  provenAt,
  expectedMs: null,
});
const order = (...candidates: DrillCandidate[]) => byTurns(candidates).map(({ pointId }) => pointId);

test('what was never proven comes before what was, and what was proven longest ago before the rest', () => {
  const [old, never, recent] = [
    candidate('p1', 'i-a', '2026-01-01T00:00:00.000Z'),
    candidate('p2', 'i-b', null),
    candidate('p3', 'i-c', '2026-11-01T00:00:00.000Z'),
  ];
  expect(order(recent, old, never)).toEqual(['p2', 'p1', 'p3']);
});

test('of points that were never proven the newest comes first: it would be needed first', () => {
  expect(order(candidate('p1', 'i-a', null), candidate('p2', 'i-a', null))).toEqual(['p2', 'p1']);
});

test('every instance has a turn before any has a second one', () => {
  const many = ['p5', 'p4', 'p3'].map((id) => candidate(id, 'i-busy', null));
  const quiet = candidate('p1', 'i-quiet', '2026-11-01T00:00:00.000Z');
  expect(order(...many, quiet)).toEqual(['p5', 'p1', 'p4', 'p3']);
});

test('a point with a tombstone has expired; one without has not, nor has one that nobody knows', async () => {
  const world = await collectedVault();
  await world.back(P0);
  await world.back(P1);
  await world.expire(P0);
  const { hasExpired } = createDrillActivities({ vaults: { names: ['main'], open: async () => world.control } });
  const ask = (pointId: string) => activityEnvironment().run(hasExpired, { vault: 'main', pointId });
  expect([await ask(P0), await ask(P1), await ask(P2)]).toEqual([true, false, false]);
});
