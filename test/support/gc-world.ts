import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executePlan } from '../../src/vault/collect/execute-plan.ts';
import { planCollection } from '../../src/vault/collect/plan-collection.ts';
import { type Survey, type SurveyRequest, surveyVault } from '../../src/vault/collect/survey.ts';
import { confirmParents } from '../../src/vault/confirm-parents.ts';
import { sealDocument } from '../../src/vault/documents.ts';
import { expirePoint } from '../../src/vault/expiry/expire-point.ts';
import { createFileKeyService } from '../../src/vault/file/file-keys.ts';
import { beginRun, commitPoint, initVault, openVault, readPoint, type Vault } from '../../src/vault/index.ts';
import type { Manifest } from '../../src/vault/manifest.ts';
import { mapKey, packKey, segmentKey, sessionKey, tombstoneKey } from '../../src/vault/object-keys.ts';
import { readPointState } from '../../src/vault/points.ts';
import { readMap } from '../../src/vault/read-map.ts';
import { SESSION } from '../../src/vault/run.ts';
import type { MakeWorld, World } from './interleavings.ts';
import { rememberedThreads } from './remembered-threads.ts';
import { archiveAll, backUp, CONTROL, fixedClock, MOVER, NEVER, testSession } from './vault-fixture.ts';
import { type MemoryCall, memoryStore } from './vault-memory-store.ts';
import { seededBytes } from './vault-random.ts';
import { testVolume, text } from './vault-volume.ts';

/** Points that are there before anything happens, and runs that happen. */
export const R0 = '20261120T000000Z-00000000';
export const R1 = '20261121T000000Z-00000001';
export const W2 = '20261122T000000Z-00000002';
export const W3 = '20261123T000000Z-00000003';

/** How the collector looks at the vault; the real way, or a mutant's. */
export type TakeSurvey = (request: SurveyRequest) => Promise<Survey>;
export type Writer = (
  vault: Vault,
  run: { readonly runId: string; readonly parents: readonly string[] },
) => Promise<unknown>;

export interface GcWorldOptions {
  readonly survey?: TakeSurvey;
  readonly writer?: Writer;
  /** By run id: the points it may build on. */
  readonly writers: Readonly<Record<string, readonly string[]>>;
  readonly expire: readonly string[];
  /** Plan and execution, so many times. */
  readonly rounds: number;
  /** Whether a collector believes that an undecided run is dead; wrong whenever it lives. */
  readonly believesDead: (runId: string, round: number) => boolean;
  readonly collectors?: number;
  /**
   * Whether the plan is checked again by a second survey, as in the product. Off unless told: the protocol must hold without,
   * and the check hides every mutant.
   */
  readonly recheck?: boolean;
  readonly pageKeys?: number;
  /** Calls between which others may come in: the protocol's own (unless told), or all that can matter. */
  readonly steps?: 'protocol' | 'every';
}

const VOLUME = 'vol-1';
/** Two blocks: the first is every point's, the second is each run's own. So every child needs its parent's pack. */
const volumes = (runId: string) => ({
  [VOLUME]: testVolume(
    2,
    new Map([
      [0, text('shared')],
      [1, text(runId)],
    ]),
  ),
});

export interface GcStage {
  close(): Promise<void>;
  world(options: GcWorldOptions): MakeWorld;
}

/** Makes the points R0 and, on top of it, R1 once; every world starts from a copy of their objects. */
export async function setGcStage(): Promise<GcStage> {
  const objects = new Map<string, Uint8Array>();
  const store = memoryStore(objects, { kind: 'plain' });
  const folder = await mkdtemp(join(tmpdir(), 'understudy-gc-'));
  await writeFile(join(folder, 'key'), `${'42'.repeat(32)}\n`);
  const keys = createFileKeyService(join(folder, 'key'), seededBytes('keys'));
  const request = { store, keys, clock: fixedClock, randomBytes: seededBytes('vault'), signal: NEVER };
  await initVault(request);
  const opened = await openVault({ ...request, roles: MOVER });
  const mover: Vault = { ...opened, threads: rememberedThreads(opened.threads) };
  const control = await openVault({ ...request, roles: CONTROL });
  const first = await backUp(mover, volumes(R0), { runId: R0 });
  await backUp(mover, volumes(R1), { runId: R1, parent: first });
  const named = new Map<string, readonly string[]>();
  return {
    async close() {
      await opened.close();
      await control.close();
      await rm(folder, { recursive: true });
    },
    world: (options) => async (before) => {
      const own = memoryStore(new Map(objects), { kind: 'plain', before, pageKeys: options.pageKeys ?? 1000 });
      const as = (vault: Vault, seed: string): Vault => ({ ...vault, store: own, randomBytes: seededBytes(seed) });
      return {
        store: own,
        actors: actorsOf(options, { mover: (seed) => as(mover, seed), control: (seed) => as(control, seed) }),
        contended: options.steps === 'every' ? anyContended : isProtocolStep,
        violation: () => findLoss(as(mover, 'check'), own.objects, named),
      };
    },
  };
}

interface Vaults {
  readonly mover: (seed: string) => Vault;
  readonly control: (seed: string) => Vault;
}

function actorsOf(options: GcWorldOptions, { mover, control }: Vaults): World['actors'] {
  const { writers, expire, collectors = 1, writer = honestWriter } = options;
  const actors: Record<string, () => Promise<unknown>> = {};
  for (const [runId, parents] of Object.entries(writers)) {
    actors[`writer ${runId.slice(-1)}`] = () => writer(mover(runId), { runId, parents });
  }
  actors.expiry = async () => {
    for (const pointId of expire) {
      const vault = control('expiry');
      if ((await readPointState(vault, pointId, NEVER))?.state === 'committed') {
        await expirePoint({ vault, pointId, reason: 'test', signal: NEVER });
      }
    }
  };
  for (let number = 0; number < collectors; number++) {
    let attempt = 0;
    actors[`collector ${number}`] = () =>
      collect(control(`gc ${number} ${attempt}`), options, number * 100 + ++attempt * 10);
  }
  return actors;
}

/** As the workflow does it: session, second look at the parent, archive, commit. */
export const honestWriter: Writer = async (vault, { runId, parents }) => {
  await beginRun({ vault, session: testSession(volumes(runId), runId, parents), signal: NEVER });
  const { parent } = await confirmParents({ vault, runId, signal: NEVER });
  await finish(vault, runId, parent);
};

async function finish(vault: Vault, runId: string, parent: Manifest | undefined): Promise<void> {
  const draft = await archiveAll(vault, volumes(runId), { runId, ...(parent && { parent }) });
  await commitPoint({ vault, draft, signal: NEVER });
}

/** Mutant: looks for its parent first and publishes its session later. */
export const lateSession: Writer = async (vault, { runId, parents }) => {
  const [pointId = ''] = parents;
  const expired = vault.store.get(tombstoneKey(pointId), NEVER).then(
    () => true,
    () => false,
  );
  const parent = (await expired) ? undefined : await readPoint({ vault, pointId, signal: NEVER });
  await beginRun({ vault, session: testSession(volumes(runId), runId, parents), signal: NEVER });
  await finish(vault, runId, parent);
};

/**
 * Mutant: reuses what happens to be there, through a parent that its session does not name. The real writer refuses that
 * (archive-shard.ts), so this one reads a session of its own that nobody else sees.
 */
export const reuseByCoincidence: Writer = async (vault, { runId, parents }) => {
  const session = await beginRun({ vault, session: testSession(volumes(runId), runId), signal: NEVER });
  const [pointId = ''] = parents;
  const key = sessionKey(runId);
  const imagined = { ...session, candidateParents: [{ pointId }] };
  const bytes = sealDocument(SESSION, imagined, { vault, key, epoch: session.epoch });
  const store: typeof vault.store = {
    ...vault.store,
    get: async (asked, ...rest) => (asked === key ? bytes : vault.store.get(asked, ...rest)),
  };
  await finish({ ...vault, store }, runId, await readPoint({ vault, pointId, signal: NEVER }));
};

/** Mutant: names its parent, and does not look whether it has expired meanwhile. */
export const noSecondLook: Writer = async (vault, { runId, parents }) => {
  await beginRun({ vault, session: testSession(volumes(runId), runId, parents), signal: NEVER });
  const [pointId = ''] = parents;
  await finish(vault, runId, await readPoint({ vault, pointId, signal: NEVER }));
};

async function collect(vault: Vault, options: GcWorldOptions, number: number): Promise<void> {
  const { rounds, believesDead, recheck = false, survey = surveyVault } = options;
  for (let round = 0; round < rounds; round++) {
    const request: SurveyRequest = {
      vault,
      isDead: async ({ runId }) => (believesDead(runId, round) ? 'believed dead' : undefined),
      signal: NEVER,
      atATime: 1,
    };
    const gcId = `20261124T000000Z-${String(number + round).padStart(8, '0')}`;
    const common = { vault, gcId, toolVersion: 'test', signal: NEVER } as const;
    const seen = await survey(request);
    await planCollection({ ...common, survey: seen, restMs: 0 });
    await executePlan({ ...common, survey: recheck ? await survey(request) : seen, atATime: 1 });
  }
}

/**
 * The steps of the model: publish the session, look for a tombstone, commit, fence, expire, and the collector's listings.
 * What lies between two of them goes with the first: a run's packs with its session, removals with the last listing.
 */
function isProtocolStep({ name, key }: MemoryCall): boolean {
  if (name === 'create') return /^(points|tombstones)\/|session\.json$/.test(key);
  if (name === 'list') return key === 'tombstones/' || key === 'runs/' || key === 'points/';
  return name === 'get' && key.startsWith('tombstones/');
}

/**
 * What others can see or change of each other. Left out, so that they cost no orders: a run's own records and catalog
 * lines, gc/ and keys, which decide nothing, and decisions that stand from the beginning.
 */
function anyContended({ name, key }: MemoryCall, actor: string): boolean {
  if (name === 'remove') return true;
  if (name === 'create') return /^(points|tombstones)\/|session\.json$|\.(pack|seg|map)$/.test(key);
  if (name === 'list') return /^(tombstones|runs|points)\//.test(key);
  if (key.startsWith('tombstones/')) return true;
  // Its own decision, while somebody may fence it; R0 and R1 were decided before.
  if (/^points\/.*[23]\.json$/.test(key)) return true;
  return /\.(pack|seg|map)$/.test(key) && !key.includes(`0000000${actor.slice(-1)}/`);
}

/** Every committed point without a tombstone must have all that it names. */
async function findLoss(
  vault: Vault,
  objects: ReadonlyMap<string, Uint8Array>,
  named: Map<string, readonly string[]>,
): Promise<string | undefined> {
  for (const key of objects.keys()) {
    const pointId = /^points\/(.*)\.json$/.exec(key)?.[1];
    if (pointId === undefined || objects.has(tombstoneKey(pointId))) continue;
    const found = await readPointState(vault, pointId, NEVER);
    if (found?.state !== 'committed') continue;
    for (const { volumeId, map } of found.manifest.volumes) {
      const at = mapKey(map.runId, volumeId, map.mapId);
      if (!objects.has(at)) return `${pointId} has lost its map ${at}`;
      const needs = named.get(at) ?? (await readNames(vault, { volumeId, map }));
      named.set(at, needs);
      const lost = needs.find((need) => !objects.has(need));
      if (lost !== undefined) return `${pointId} has lost ${lost}`;
    }
  }
  return undefined;
}

async function readNames(vault: Vault, name: Parameters<typeof readMap>[1]): Promise<readonly string[]> {
  const { packs, segments } = await readMap(vault, name, NEVER);
  return [
    ...packs.map(({ runId, packId }) => packKey(runId, packId)),
    ...segments.flatMap((segment) => (segment ? [segmentKey(segment.runId, segment.segmentId)] : [])),
  ];
}
