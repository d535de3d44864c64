import { expect, test, vi } from 'vitest';
import { surveyVault } from '../../../src/vault/collect/survey.ts';
import { verifyVault } from '../../../src/vault/index.ts';
import type { KeyService } from '../../../src/vault/key-service.ts';
import type { Threads } from '../../../src/vault/threads.ts';
import { sharedThreads } from '../../support/shared-threads.ts';
import { Died, mortalStore } from '../../support/vault-faulty-store.ts';
import { NEVER, testKeys } from '../../support/vault-fixture.ts';
import {
  CONTENT,
  collect,
  differenceOf,
  isThere,
  LIFE,
  type LifeStep,
  open,
  type World,
} from '../../support/vault-life.ts';
import { type MemoryStore, memoryStore } from '../../support/vault-memory-store.ts';

vi.setConfig({ testTimeout: 600_000 });

interface Before {
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly committed: readonly string[];
  readonly expired: readonly string[];
}

const CASES = LIFE.flatMap((step, at) => [false, true].map((stored) => ({ what: step.what, stored, at })));
const made: Before[] = [{ objects: new Map(), committed: [], expired: [] }];

/** The vault as it was before a step; each is lived once. */
async function before(at: number, world: Omit<World, 'store' | 'seed'>): Promise<Before> {
  for (let next = made.length; next <= at; next++) {
    const step = LIFE[next - 1];
    const last = made[next - 1];
    if (!step || !last) throw new RangeError(`no step ${next}`);
    const store = memoryStore(new Map(last.objects));
    await step.run({ ...world, store, seed: `life ${next}` });
    made.push({
      objects: store.objects,
      committed: step.committed ? [...last.committed, step.committed] : last.committed,
      expired: step.expired ? [...last.expired, step.expired] : last.expired,
    });
  }
  const found = made[at];
  if (!found) throw new RangeError(`no step ${at}`);
  return found;
}

test.each(CASES)(
  '$what may die at any change (after it: $stored): no point is harmed, it finishes when begun again, only garbage goes',
  async ({ at, stored }) => {
    const step = LIFE[at];
    if (!step) throw new RangeError(`no step ${at}`);
    const keys = await testKeys();
    const threads = sharedThreads();
    const start = await before(at, { keys, threads });
    let died = true;
    for (let dieAt = 1; died; dieAt++) {
      const inner = memoryStore(new Map(start.objects));
      const store = mortalStore(inner, { dieAt, stored });
      died = await dies(step.run({ store, keys, threads, seed: `${step.what} ${dieAt}` }));
      await expectUnharmed(inner, { start, step, keys, threads, dieAt });
      expect(dieAt, 'a step that never ends').toBeLessThan(100);
    }
  },
);

async function dies(life: Promise<void>): Promise<boolean> {
  try {
    await life;
    return false;
  } catch (error) {
    if (error instanceof Died) return true;
    throw error;
  }
}

interface Crash {
  readonly start: Before;
  readonly step: LifeStep;
  readonly keys: KeyService;
  readonly threads: Threads;
  readonly dieAt: number;
}

async function expectUnharmed(store: MemoryStore, { start, step, keys, threads, dieAt }: Crash): Promise<void> {
  const world = { store, keys, threads, seed: `after ${step.what} ${dieAt}` };
  const name = `${step.what}, change ${dieAt}`;
  if (step.what !== 'init') await expectByteExact(world, { name, points: livingOf(start, step) });
  await step.run(world);
  const living = [...livingOf(start, step), ...(step.committed ? [step.committed] : [])];
  await expectByteExact(world, { name: `${name}, resumed`, points: living });
  await collect(world, '20260120T000000Z-00000000');
  await expectByteExact(world, { name: `${name}, collected`, points: living });
  await expectNoGarbage(world, name);
}

/** Expired while the step ran or before: its bytes may go at any time. */
function livingOf({ committed, expired }: Before, step: LifeStep): string[] {
  return committed.filter((pointId) => !expired.includes(pointId) && pointId !== step.expired);
}

async function expectByteExact(
  world: World,
  { name, points }: { readonly name: string; readonly points: readonly string[] },
): Promise<void> {
  const vault = await open(world, ['data', 'meta']);
  // A commit that died may have been made or not; what is there must be whole.
  const others = Object.keys(CONTENT).filter((pointId) => !points.includes(pointId));
  for (const pointId of points) {
    expect(await isThere(vault, pointId), `${name}: ${pointId}`).toBe(true);
    expect(await differenceOf(vault, pointId), name).toBeUndefined();
  }
  const verdict = await verifyVault({ vault, level: 'full', signal: NEVER });
  expect(verdict.damage, `${name}: damage, with ${others} open`).toBe(0);
}

/** What a second collector finds after the first: nothing that could go. */
async function expectNoGarbage(world: World, name: string): Promise<void> {
  const vault = await open(world, ['meta', 'control']);
  const { judgeObject } = await import('../../../src/vault/collect/judge-object.ts');
  const survey = await surveyVault({ vault, isDead: async () => 'gone', signal: NEVER });
  const condemned = [...survey.listing.objects.all()].filter(
    (object) => judgeObject(object, survey).decision !== 'keep',
  );
  expect(condemned, name).toEqual([]);
}
