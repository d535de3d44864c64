import { VaultError } from '../../src/errors.ts';
import { attest } from '../../src/vault/attest.ts';
import { executePlan } from '../../src/vault/collect/execute-plan.ts';
import type { IsDead } from '../../src/vault/collect/fence-dead-runs.ts';
import { judgeObject } from '../../src/vault/collect/judge-object.ts';
import { planCollection } from '../../src/vault/collect/plan-collection.ts';
import { type Survey, surveyVault } from '../../src/vault/collect/survey.ts';
import { expirePoint } from '../../src/vault/expiry/expire-point.ts';
import { beginRun, commitPoint, type KeyService, writeEvidence } from '../../src/vault/index.ts';
import type { LockPolicy } from '../../src/vault/lock-policy.ts';
import type { Manifest, Retention } from '../../src/vault/manifest.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { testAttestation } from './vault-attestation.ts';
import { DAY_MS, movingClock } from './vault-clock.ts';
import { archiveAll, CONTROL, MOVER, NEVER, testKeys, testSession, testVault, VERIFY_RUN_ID } from './vault-fixture.ts';
import { type MemoryBucket, type MemoryStore, memoryStore } from './vault-memory-store.ts';
import { testVolume, text } from './vault-volume.ts';

export const P0 = '20261120T000000Z-00000000';
export const P1 = '20261121T000000Z-00000001';
export const P2 = '20261122T000000Z-00000002';
export const GC = '20261123T040000Z-000000aa';

/** A vault with its two roles and a clock that a test moves. */
export interface CollectedVault {
  readonly store: MemoryStore;
  readonly mover: Vault;
  readonly control: Vault;
  /** What wraps its roots. */
  readonly service: KeyService;
  pass(days: number): void;
  /** A point of two blocks: one shared by all, one of its own. */
  back(runId: string, options?: { parent?: Manifest; retention?: Retention }): Promise<Manifest>;
  begin(runId: string, parents?: readonly string[]): Promise<void>;
  expire(pointId: string): Promise<void>;
  survey(isDead?: IsDead): Promise<Survey>;
  /** Plans and executes at once. */
  collect(options?: { gcId?: string; isDead?: IsDead }): Promise<Awaited<ReturnType<typeof executePlan>>>;
  /** Keys below a prefix. */
  keys(prefix: string): string[];
}

const volumes = (runId: string) => ({
  'vol-1': testVolume(
    2,
    new Map([
      [0, text('shared')],
      [1, text(runId)],
    ]),
  ),
});

interface CollectedBucket extends MemoryBucket {
  readonly lock?: LockPolicy;
}

export async function collectedVault({ lock, ...bucket }: CollectedBucket = {}): Promise<CollectedVault> {
  const clock = movingClock();
  const locking = lock && { lock };
  const store = memoryStore(new Map(), { kind: 'plain', clock, ...bucket });
  const keys = await testKeys();
  const mover = await testVault({ store, keys, roles: MOVER, clock, ...locking });
  const control = await testVault({ store, keys, roles: CONTROL, seed: 'control', clock, ...locking });
  const nobodyIsDead: IsDead = async () => undefined;
  const survey = (isDead = nobodyIsDead) => surveyVault({ vault: control, isDead, signal: NEVER });
  const begin = async (runId: string, parents: readonly string[] = []) => {
    await beginRun({ vault: mover, session: testSession(volumes(runId), runId, parents), signal: NEVER });
  };
  return {
    store,
    mover,
    control,
    service: keys,
    survey,
    begin,
    pass: (days) => clock.advance(days * DAY_MS),
    async back(runId, { parent, retention } = {}) {
      await begin(runId, parent ? [parent.pointId] : []);
      const draft = await archiveAll(mover, volumes(runId), { runId, ...(parent && { parent }) });
      return commitPoint({ vault: mover, draft: { ...draft, ...(retention && { retention }) }, signal: NEVER });
    },
    expire: async (pointId) => void (await expirePoint({ vault: control, pointId, reason: 'test', signal: NEVER })),
    async collect({ gcId = GC, isDead } = {}) {
      const common = { vault: control, gcId, toolVersion: 'test', signal: NEVER } as const;
      await planCollection({ ...common, survey: await survey(isDead), restMs: 0 });
      return executePlan({ ...common, survey: await survey(isDead) });
    },
    keys: (prefix) => [...store.objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
  };
}

/** What becomes of every listed object: `<decision> <reason> <key without ids>`. */
export function judgements(survey: Survey): string[] {
  return [...survey.listing.objects.all()]
    .map((object) => {
      const { decision, why } = judgeObject(object, survey);
      return `${decision} ${why} ${object.kind} ${object.runId.slice(-1)}`;
    })
    .sort();
}

/** For surveys in which every run under way is over. */
export const dead: IsDead = async () => 'its workflow is over';

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The code of the error in which work of the vault ends. */
export function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );
}

/** Evidence of a green verification, and the attestation that names it. */
export async function verify({ mover, control }: CollectedVault, pointId: string): Promise<void> {
  const evidence = {
    vault: mover,
    runId: VERIFY_RUN_ID,
    name: 'console.txt',
    contentType: 'text/plain',
    signal: NEVER,
  };
  await writeEvidence({ ...evidence, bytes: bytes('login:') });
  await attest({
    vault: control,
    attestation: testAttestation(pointId, VERIFY_RUN_ID, 'passed'),
    signal: NEVER,
  });
}
