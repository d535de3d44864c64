import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { BLOCK_BYTES } from '../../../src/vault/block-source.ts';
import {
  beginRun,
  confirmParents,
  executePlan,
  expirePoint,
  initVault,
  openVolume,
  planCollection,
  surveyVault,
  verifyVault,
} from '../../../src/vault/index.ts';
import { readPointState } from '../../../src/vault/points.ts';
import { Random } from '../../fuzz/random.ts';
import { sharedThreads } from '../../support/shared-threads.ts';
import { Died, mortalStore } from '../../support/vault-faulty-store.ts';
import { backUp, fixedClock, NEVER, testKeys, testSession } from '../../support/vault-fixture.ts';
import { open, type World } from '../../support/vault-life.ts';
import { memoryStore } from '../../support/vault-memory-store.ts';
import { seededBytes } from '../../support/vault-random.ts';
import { testVolume, text, zeros } from '../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 600_000 });

const SEED = process.env.UNDERSTUDY_STRESS_SEED ?? randomBytes(4).toString('hex');
const ROUNDS = 20;
const BLOCKS = 8;

type Content = ReadonlyMap<number, string>;

/** What must be true of the vault, kept beside it by the simplest means. */
class Model {
  readonly points = new Map<string, Content>();
  readonly expired = new Set<string>();
  /** Runs that died or failed: a collector may fence them. */
  readonly dead = new Set<string>();
  #runs = 0;

  newRun(): string {
    const day = String((++this.#runs % 28) + 1).padStart(2, '0');
    const month = String(1 + Math.floor(this.#runs / 28)).padStart(2, '0');
    return `2026${month}${day}T000000Z-${this.#runs.toString(16).padStart(8, '0')}`;
  }

  get living(): string[] {
    return [...this.points.keys()].filter((pointId) => !this.expired.has(pointId));
  }
}

test(`two writers and a collector at once, dying at random, lose nothing (UNDERSTUDY_STRESS_SEED=${SEED} repeats it)`, async () => {
  const random = new Random(SEED);
  const model = new Model();
  const threads = sharedThreads();
  // Every call lets the others go on, for a drawn number of turns.
  const store = memoryStore(new Map(), {
    pageKeys: 5,
    async before() {
      await letOthersGoOn(random.below(4));
    },
  });
  const world: World = { store, keys: await testKeys(), threads, seed: SEED };
  await initVault({ ...world, clock: fixedClock, randomBytes: seededBytes(SEED), signal: NEVER });
  for (let round = 0; round < ROUNDS; round++) {
    const work = [write(world, model, random), write(world, model, random), collect(world, model, random)];
    if (model.living.length > 2) work.push(expire(world, model, random));
    await Promise.all(work);
    await expectAllWell(world, model, round);
  }
  expect(model.points.size, 'some backups succeeded').toBeGreaterThan(ROUNDS / 4);
});

async function letOthersGoOn(turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

/** A backup on a point that may expire meanwhile, which may die at any change or be fenced; it must then not be there, or whole. */
async function write(world: World, model: Model, random: Random): Promise<void> {
  const runId = model.newRun();
  const parentId = random.chance(5) || model.living.length === 0 ? undefined : random.pick(model.living);
  const content = changed(model.points.get(parentId ?? '') ?? new Map(), { runId, random });
  const dieAt = random.chance(4) ? 1 + random.below(9) : Number.POSITIVE_INFINITY;
  const store = mortalStore(world.store, { dieAt, stored: random.chance(2) });
  const volumes = { 'vol-1': volumeOf(content) };
  try {
    const vault = await open({ ...world, store, seed: `${SEED} ${runId}` }, ['data', 'meta']);
    await beginRun({ vault, session: testSession(volumes, runId, parentId ? [parentId] : []), signal: NEVER });
    const { parent } = await confirmParents({ vault, runId, signal: NEVER });
    // Hours of reading, in which a whole collection may pass: only the pin keeps the parent then.
    if (random.chance(2)) await letOthersGoOn(random.below(8000));
    await backUp(vault, volumes, { runId, ...(parent && { parent }) });
    model.points.set(runId, content);
  } catch (error) {
    const state = await stateOf(world, runId);
    // A fenced run may find its own objects collected before it finds its fence.
    if (!(error instanceof Died) && !(error instanceof VaultError && state === 'abandoned')) throw error;
    model.dead.add(runId);
    // The reply was lost, not the point.
    if (state === 'committed') model.points.set(runId, content);
  }
}

async function stateOf(world: World, runId: string): Promise<string | undefined> {
  const vault = await open({ ...world, seed: `${SEED} look ${runId}` }, ['meta']);
  return (await readPointState(vault, runId, NEVER))?.state;
}

function changed(before: Content, { runId, random }: { readonly runId: string; readonly random: Random }): Content {
  const content = new Map(before);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const index = random.below(BLOCKS);
    if (random.chance(5)) content.delete(index);
    else content.set(index, `${runId} ${index}`);
  }
  return content;
}

function volumeOf(content: Content) {
  return testVolume(BLOCKS, new Map([...content].map(([index, words]) => [index, text(words)])));
}

async function expire(world: World, model: Model, random: Random): Promise<void> {
  // The very point that a writer builds on, as often as not.
  const pointId = random.pick(model.living);
  model.expired.add(pointId);
  await letOthersGoOn(random.below(300));
  const vault = await open({ ...world, seed: `${SEED} expire ${pointId}` }, ['meta', 'control']);
  await expirePoint({ vault, pointId, reason: 'stress', signal: NEVER });
}

/** Fences the dead, and sometimes one that lives: that one may fail, loudly. */
async function collect(world: World, model: Model, random: Random): Promise<void> {
  const gcId = model.newRun();
  await letOthersGoOn(random.below(300));
  const vault = await open({ ...world, seed: `${SEED} collect ${gcId}` }, ['meta', 'control']);
  const isDead = async ({ runId }: { readonly runId: string }) =>
    model.dead.has(runId) || random.chance(8) ? 'thought dead' : undefined;
  const request = { vault, isDead, signal: NEVER };
  await planCollection({ vault, gcId, survey: await surveyVault(request), restMs: 0, toolVersion: 't', signal: NEVER });
  await executePlan({ vault, gcId, survey: await surveyVault(request), toolVersion: 't', signal: NEVER });
}

async function expectAllWell(world: World, model: Model, round: number): Promise<void> {
  const vault = await open({ ...world, seed: `${SEED} look ${round}` }, ['data', 'meta']);
  for (const pointId of model.living) {
    const archived = await openVolume({ vault, pointId, volumeId: 'vol-1', signal: NEVER });
    const wanted = new Map([...(model.points.get(pointId) ?? [])].map(([index, words]) => [index, text(words)]));
    for await (const { index, bytes } of archived.blocks({ from: 0, to: archived.volumeBytes / BLOCK_BYTES }, NEVER)) {
      const same = Buffer.compare(bytes, wanted.get(index) ?? zeros()) === 0;
      expect(same, `seed ${SEED}, round ${round}: block ${index} of ${pointId}`).toBe(true);
      wanted.delete(index);
    }
    expect([...wanted.keys()], `seed ${SEED}, round ${round}: blocks missing in ${pointId}`).toEqual([]);
  }
  const verdict = await verifyVault({ vault, level: round % 4 === 3 ? 'full' : 'structure', signal: NEVER });
  expect(verdict.damage, `seed ${SEED}, round ${round}`).toBe(0);
}
