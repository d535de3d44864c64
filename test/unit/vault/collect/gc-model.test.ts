import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { manifestsBeforeSessions, noFence, noPin, sessionsBeforeTombstones } from '../../../support/gc-mutants.ts';
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
import { explore, type Phase, play, scripted, wander } from '../../../support/interleavings.ts';

/**
 * The real writer, the real expiry and the real collector over one store; every store call is a scheduling point. A deep
 * search is `npm run gcmodel`; these are bounded. What must never happen: a committed point without a tombstone that
 * lacks a map, segment or pack.
 */
const { UNDERSTUDY_GCMODEL_MINUTES: minutes, UNDERSTUDY_GCMODEL_SEED: givenSeed } = process.env;
/** Three searches share the time. 8 s: those that have an end come to it in 5 s. */
const HONEST_MS = minutes ? Number(minutes) * 20_000 : 8_000;
/** This one never ends, and draws other orders each time. */
const WANDER_MS = minutes ? HONEST_MS : 2_000;
vi.setConfig({ testTimeout: HONEST_MS + 300_000, hookTimeout: 120_000 });

/** A search has to find a mutant in this time. */
const MUTANT_MS = 240_000;

// R1 is built on R0: as long as it lives, it keeps R0's pack.
const oneWriter: GcWorldOptions = {
  writers: { [W2]: [R0] },
  expire: [R0, R1],
  rounds: 1,
  believesDead: () => false,
};

let stage: GcStage;
beforeAll(async () => {
  stage = await setGcStage();
});
afterAll(() => stage.close());

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

  test('two writers, one on top of the other, two collectors, deaths and restarts, in random orders', async () => {
    const seed = givenSeed ? Number(givenSeed) : Date.now() % 1_000_000;
    const options: GcWorldOptions = {
      writers: { [W2]: [R1, R0], [W3]: [W2, R1] },
      expire: [R0, R1],
      rounds: 2,
      collectors: 2,
      recheck: seed % 2 === 0,
      steps: 'every',
      pageKeys: 3,
      believesDead: (runId, round) => (runId === W2) === (round === 1),
    };
    const found = await wander(stage.world(options), { ms: WANDER_MS, seed, deaths: 3 });
    expect(found.finding, `seed ${found.seed}`).toBeUndefined();
  });
});

const WRITER = 'writer 2';
const COLLECTOR = 'collector 0';
const beforeCommit = { actor: WRITER, until: /^create points/ };
const expiry = { actor: 'expiry' };
const writer = { actor: WRITER };
const collector = { actor: COLLECTOR };
/** It has seen tombstones and sessions. */
const afterSessions = { actor: COLLECTOR, until: /^list points/ };

interface Mutant {
  readonly name: string;
  readonly options: Partial<GcWorldOptions>;
  /** An order in which it loses a point; the real code does not, in the same order. */
  readonly script: readonly Phase[];
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'sessions before tombstones',
    options: { survey: sessionsBeforeTombstones },
    script: [{ actor: COLLECTOR, until: /^list tombstones/ }, beforeCommit, expiry, collector, writer],
  },
  {
    name: 'manifests before sessions',
    options: { survey: manifestsBeforeSessions },
    script: [beforeCommit, expiry, { actor: COLLECTOR, until: /^list runs/ }, writer, collector],
  },
  {
    name: 'no fence',
    options: { survey: noFence, believesDead: () => true, expire: [] },
    script: [beforeCommit, collector, writer],
  },
  { name: 'no session pin', options: { survey: noPin }, script: [beforeCommit, expiry, collector, writer] },
  {
    name: 'reuse by coincidence',
    options: { writer: reuseByCoincidence },
    script: [beforeCommit, expiry, collector, writer],
  },
  {
    name: 'no second look at the parent',
    options: { writer: noSecondLook },
    script: [expiry, afterSessions, beforeCommit, collector, writer],
  },
  {
    name: 'a session after the look at the parent',
    options: { writer: lateSession },
    script: [{ actor: WRITER, until: /session/ }, expiry, afterSessions, beforeCommit, collector, writer],
  },
];

describe('a mutant loses something', () => {
  test.each(MUTANTS)('$name', async ({ options, script }) => {
    const found = await play(stage.world({ ...oneWriter, ...options }), scripted(script));
    expect(found?.violation).toMatch(/has lost/);
  });

  test.each(MUTANTS)('and the real code does not, in the order that shows "$name"', async ({ options, script }) => {
    const { survey: _, writer: __, ...world } = options;
    expect(await play(stage.world({ ...oneWriter, ...world }), scripted(script))).toBeUndefined();
  });

  // Luck must not decide `npm test`; `npm run gcmodel` has the time to search.
  if (minutes) {
    test.each(MUTANTS)('and a search finds it without being told: $name', async ({ options }) => {
      const found = await explore(stage.world({ ...oneWriter, ...options }), { ms: MUTANT_MS });
      expect(found.finding?.violation).toMatch(/has lost/);
    });
  }
});
