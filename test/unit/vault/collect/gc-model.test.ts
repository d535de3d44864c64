import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  manifestsBeforeSessions,
  manifestsEarly,
  noFence,
  noPin,
  sessionsBeforeTombstones,
} from '../../../support/gc-mutants.ts';
import {
  type GcStage,
  type GcWorldOptions,
  lateSession,
  noSecondLook,
  R0,
  R1,
  reuseByCoincidence,
  setGcStage,
  W2,
  W3,
} from '../../../support/gc-world.ts';
import { explore, wander } from '../../../support/interleavings.ts';

/**
 * The real writer, the real expiry and the real collector over one store; every store call is a scheduling point. A deep
 * search is `npm run gcmodel`; these are bounded. What must never happen: a committed point without a tombstone that
 * lacks a map, segment or pack.
 */
const { UNDERSTUDY_GCMODEL_MINUTES: minutes, UNDERSTUDY_GCMODEL_SEED: givenSeed } = process.env;
/** Three searches of a third each. */
const HONEST_MS = minutes ? Number(minutes) * 20_000 : 8_000;
vi.setConfig({ testTimeout: HONEST_MS + 300_000, hookTimeout: 120_000 });

/** A mutant is found within a second or two on a quiet machine; a busy one gets a minute. */
const MUTANT_MS = 60_000;

const oneWriter: GcWorldOptions = { writers: { [W2]: [R0] }, expire: [R0], rounds: 1, believesDead: () => false };

let stage: GcStage;
beforeAll(async () => {
  stage = await setGcStage();
});

describe('no order of calls loses anything', () => {
  test.each([
    { name: 'a collector that believes everybody alive', believesDead: () => false },
    { name: 'a collector that believes everybody dead', believesDead: () => true },
  ])('$name, one writer and an expiry, step by step', async ({ believesDead }) => {
    const steps = minutes ? 'every' : 'protocol';
    const found = await explore(stage.world({ ...oneWriter, believesDead, steps }), { ms: HONEST_MS });
    process.stdout.write(`${found.runs} runs, ${found.states} states${found.complete ? ', all there are' : ''}\n`);
    expect(found.finding).toBeUndefined();
    expect(found.runs).toBeGreaterThan(0);
  });

  test('manifests read early, with who is undecided, lose nothing either: the order of g2 and g5 alone is not what saves', async () => {
    const found = await explore(stage.world({ ...oneWriter, survey: manifestsEarly }), { ms: HONEST_MS });
    expect(found.finding).toBeUndefined();
  });

  test('two writers, one on top of the other, two collectors, deaths and restarts, in random orders', async () => {
    const seed = givenSeed ? Number(givenSeed) : Date.now() % 1_000_000;
    const options: GcWorldOptions = {
      writers: { [W2]: [R1, R0], [W3]: [W2, R1] },
      expire: [R0, R1],
      rounds: 2,
      collectors: 2,
      steps: 'every',
      pageKeys: 3,
      believesDead: (runId, round) => (runId === W2) === (round === 1),
    };
    const found = await wander(stage.world(options), { ms: HONEST_MS, seed, deaths: 3 });
    expect(found.finding, `seed ${found.seed}`).toBeUndefined();
  });
});

describe('a mutant loses something', () => {
  const cases: readonly { readonly name: string; readonly options: Partial<GcWorldOptions> }[] = [
    { name: 'sessions before tombstones', options: { survey: sessionsBeforeTombstones } },
    { name: 'manifests before sessions', options: { survey: manifestsBeforeSessions, expire: [] } },
    { name: 'no fence', options: { survey: noFence, believesDead: () => true, expire: [] } },
    { name: 'no session pin', options: { survey: noPin } },
    { name: 'reuse by coincidence', options: { writer: reuseByCoincidence } },
    { name: 'no second look at the parent', options: { writer: noSecondLook } },
    { name: 'a session after the look at the parent', options: { writer: lateSession } },
  ];
  test.each(cases)('$name', async ({ options }) => {
    const found = await explore(stage.world({ ...oneWriter, ...options }), { ms: MUTANT_MS });
    expect(found.finding?.violation).toMatch(/has lost/);
  });
});
