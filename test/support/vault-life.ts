import { onTestFinished } from 'vitest';
import { BLOCK_BYTES } from '../../src/vault/block-source.ts';
import { executePlan } from '../../src/vault/collect/execute-plan.ts';
import type { IsDead } from '../../src/vault/collect/fence-dead-runs.ts';
import { planCollection } from '../../src/vault/collect/plan-collection.ts';
import { surveyVault } from '../../src/vault/collect/survey.ts';
import { expirePoint } from '../../src/vault/expiry/expire-point.ts';
import {
  beginRun,
  confirmParents,
  initVault,
  openVault,
  openVolume,
  readPoint,
  rebuildCatalog,
  rotateKeys,
  type Vault,
  verifyVault,
} from '../../src/vault/index.ts';
import type { KeyService, RootPurpose } from '../../src/vault/key-service.ts';
import type { ObjectStore } from '../../src/vault/object-store.ts';
import type { Threads } from '../../src/vault/threads.ts';
import { archiveAll, backUp, fixedClock, NEVER, testSession } from './vault-fixture.ts';
import { seededBytes } from './vault-random.ts';
import { type TestVolume, testVolume, text, zeros } from './vault-volume.ts';

/** A vault's whole life in steps, each of which may be cut off at any call and begun again. */

export const POINTS = {
  full: '20260101T000000Z-00000001',
  increment: '20260102T000000Z-00000002',
  afterRotation: '20260103T000000Z-00000003',
  never: '20260104T000000Z-00000004',
} as const;

/** Eight blocks: crash.test.ts has several segments, here the steps are many. */
function words(blocks: Readonly<Record<number, string>>): TestVolume {
  return testVolume(8, new Map(Object.entries(blocks).map(([index, word]) => [Number(index), text(word)])));
}

/** What each point must give back, byte for byte. */
export const CONTENT: Readonly<Record<string, TestVolume>> = {
  [POINTS.full]: words({ 0: 'boot', 5: 'data 1', 6: 'tail 1' }),
  [POINTS.increment]: words({ 0: 'boot', 5: 'data 2', 6: 'tail 1' }),
  [POINTS.afterRotation]: words({ 0: 'boot', 5: 'data 2', 6: 'tail 3', 7: 'new' }),
};
const contentOf = (pointId: string) => CONTENT[pointId] ?? words({});

export interface World {
  readonly store: ObjectStore;
  readonly keys: KeyService;
  /** Shared by all vaults of a test: starting threads costs more than everything they do here. */
  readonly threads: Threads;
  readonly seed: string;
}

export async function open({ store, keys, threads, seed }: World, roles: readonly RootPurpose[]): Promise<Vault> {
  const request = { store, keys, clock: fixedClock, randomBytes: seededBytes(`${seed} ${roles}`), signal: NEVER };
  const vault = await openVault({ ...request, roles });
  onTestFinished(() => vault.close());
  return Object.create(vault, { threads: { value: threads } });
}

export interface LifeStep {
  readonly what: string;
  /** Repeatable: whoever was cut off does it again. */
  run(world: World): Promise<void>;
  /** Points that must be there after it, and those that must have ended. */
  readonly committed?: string;
  readonly expired?: string;
}

const mover = (world: World) => open(world, ['data', 'meta']);
const control = (world: World) => open(world, ['meta', 'control']);

async function backUpOn(world: World, runId: string, parentId: string): Promise<void> {
  const vault = await mover(world);
  const volumes = { 'vol-1': contentOf(runId) };
  await beginRun({ vault, session: testSession(volumes, runId, [parentId]), signal: NEVER });
  const { parent } = await confirmParents({ vault, runId, signal: NEVER });
  await backUp(vault, volumes, { runId, ...(parent && { parent }) });
}

/** Who does not commit is dead, as soon as a collector asks. */
const allDead: IsDead = async () => 'its workflow is gone';

export async function collect(world: World, gcId: string): Promise<void> {
  const vault = await control(world);
  const request = { vault, isDead: allDead, signal: NEVER };
  await planCollection({ vault, gcId, survey: await surveyVault(request), restMs: 0, toolVersion: 't', signal: NEVER });
  await executePlan({ vault, gcId, survey: await surveyVault(request), toolVersion: 't', signal: NEVER });
}

/** An attempt that was cut off may have planned already, and a plan is never written twice. */
let collections = 0;
const collectAnew = (world: World) =>
  collect(world, `20260109T000000Z-${(++collections).toString(16).padStart(8, '0')}`);

export const LIFE: readonly LifeStep[] = [
  {
    what: 'init',
    async run({ store, keys, seed }) {
      await initVault({ store, keys, clock: fixedClock, randomBytes: seededBytes(seed), signal: NEVER });
    },
  },
  {
    what: 'a first backup',
    committed: POINTS.full,
    run: async (world) =>
      void (await backUp(await mover(world), { 'vol-1': contentOf(POINTS.full) }, { runId: POINTS.full })),
  },
  { what: 'an increment', committed: POINTS.increment, run: (world) => backUpOn(world, POINTS.increment, POINTS.full) },
  {
    what: 'a rotation of the keys',
    async run(world) {
      const request = { vault: await control(world), service: world.keys, signal: NEVER };
      await rotateKeys({ ...request, openRecipient: () => undefined });
    },
  },
  {
    what: 'an increment under the new keys',
    committed: POINTS.afterRotation,
    run: (world) => backUpOn(world, POINTS.afterRotation, POINTS.increment),
  },
  {
    what: 'a run that never commits',
    async run(world) {
      const vault = await mover(world);
      const volumes = { 'vol-1': words({ 1: 'never' }) };
      await beginRun({ vault, session: testSession(volumes, POINTS.never), signal: NEVER });
      await archiveAll(vault, volumes, { runId: POINTS.never });
    },
  },
  {
    what: 'an expiry',
    expired: POINTS.full,
    run: async (world) =>
      void (await expirePoint({ vault: await control(world), pointId: POINTS.full, reason: 'test', signal: NEVER })),
  },
  { what: 'a collection', run: collectAnew },
  {
    what: 'a sample',
    run: async (world) => void (await verifyVault({ vault: await mover(world), level: 'sample', signal: NEVER })),
  },
  {
    what: 'the expiry of a point in the middle',
    expired: POINTS.increment,
    run: async (world) =>
      void (await expirePoint({ vault: await control(world), pointId: POINTS.increment, reason: 't', signal: NEVER })),
  },
  { what: 'another collection', run: collectAnew },
  {
    what: 'a new catalog',
    run: async (world) => void (await rebuildCatalog({ vault: await mover(world), signal: NEVER })),
  },
];

/** Undefined when there is no such point (any more). */
export async function isThere(vault: Vault, pointId: string): Promise<boolean> {
  return readPoint({ vault, pointId, signal: NEVER }).then(
    () => true,
    () => false,
  );
}

/** The first difference between a restored point and what was backed up; undefined when there is none. */
export async function differenceOf(vault: Vault, pointId: string): Promise<string | undefined> {
  const wanted = contentOf(pointId);
  const archived = await openVolume({ vault, pointId, volumeId: 'vol-1', signal: NEVER });
  const left = new Set(wanted.written.keys());
  for await (const { index, bytes } of archived.blocks({ from: 0, to: wanted.volumeBytes / BLOCK_BYTES }, NEVER)) {
    if (Buffer.compare(bytes, wanted.written.get(index) ?? zeros()) !== 0)
      return `block ${index} of ${pointId} differs`;
    left.delete(index);
  }
  return left.size === 0 ? undefined : `blocks ${[...left]} of ${pointId} are missing`;
}
