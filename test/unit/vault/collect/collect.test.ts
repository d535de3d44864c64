import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { VaultError } from '../../../../src/errors.ts';
import { attest } from '../../../../src/vault/attest.ts';
import { sha256Hex } from '../../../../src/vault/bytes.ts';
import { executePlan, readPage } from '../../../../src/vault/collect/execute-plan.ts';
import { GC_PAGE } from '../../../../src/vault/collect/gc-documents.ts';
import { newGcId } from '../../../../src/vault/collect/gc-id.ts';
import { listPlans } from '../../../../src/vault/collect/list-plans.ts';
import { planCollection } from '../../../../src/vault/collect/plan-collection.ts';
import { surveyVault } from '../../../../src/vault/collect/survey.ts';
import { sumOf } from '../../../../src/vault/collect/totals.ts';
import { sealDocument } from '../../../../src/vault/documents.ts';
import { HOLD } from '../../../../src/vault/holds.ts';
import { openVolume, readPoint, writeEvidence } from '../../../../src/vault/index.ts';
import type { Manifest } from '../../../../src/vault/manifest.ts';
import {
  attestationKey,
  gcPageKey,
  gcReportKey,
  holdKey,
  mapKey,
  pointKey,
  sessionKey,
  tombstoneKey,
  VAULT_KEY,
} from '../../../../src/vault/object-keys.ts';
import { COMMIT } from '../../../../src/vault/points.ts';
import { VaultDocument } from '../../../../src/vault/vault-document.ts';
import { type CollectedVault, collectedVault, GC, judgements, P0, P1, P2 } from '../../../support/collection.ts';
import { backUp, NEVER, NOW, VERIFY_RUN_ID } from '../../../support/vault-fixture.ts';
import { testVolume } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 120_000 });

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );
const dead = async () => 'its workflow is over';
const bytes = (text: string) => new TextEncoder().encode(text);

async function mustRead({ mover }: CollectedVault, pointId: string): Promise<void> {
  const manifest = await readPoint({ vault: mover, pointId, signal: NEVER });
  const [volume] = manifest.volumes;
  if (!volume) throw new Error('no volume');
  const opened = await openVolume({ vault: mover, pointId, volumeId: volume.volumeId, signal: NEVER });
  let blocks = 0;
  for await (const _ of opened.blocks({ from: 0, to: 2 }, NEVER)) blocks++;
  expect(blocks).toBe(2);
}

test('an expired point goes, and what its child shares with it stays: the child reads as before', async () => {
  const vault = await collectedVault();
  const parent = await vault.back(P0);
  await vault.back(P1, { parent });
  await vault.expire(P0);
  const report = await vault.collect();
  expect(Object.keys(report.removed)).toEqual(['expired']);
  expect(report.kept).toEqual({});
  // Its only pack holds the shared block.
  expect(vault.keys(`runs/${P0}/`).map((key) => key.split('/')[2])).toEqual(['packs']);
  expect(vault.keys('catalog/').join()).not.toContain(P0);
  expect(vault.keys('points/')).toHaveLength(2);
  await mustRead(vault, P1);
  // Again: the report stands.
  const again = executePlan({
    vault: vault.control,
    gcId: GC,
    survey: await vault.survey(),
    toolVersion: 'x',
    signal: NEVER,
  });
  expect(await again).toEqual(report);
  // When the child goes, so does the rest.
  await vault.back(P2);
  await vault.expire(P1);
  await vault.collect({ gcId: `${GC.slice(0, -1)}b` });
  expect(vault.keys(`runs/${P0}/`).concat(vault.keys(`runs/${P1}/`))).toEqual([]);
  await mustRead(vault, P2);
});

test('a run under way keeps all it has; when it is dead it is fenced first and then goes', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  await vault.begin(P1);
  vault.store.objects.set(`runs/${P1}/packs/${'a'.repeat(64)}.pack`, bytes('x'));
  expect(judgements(await vault.survey()).filter((line) => line.endsWith('1'))).toEqual([
    'keep undecided pack 1',
    'keep undecided session 1',
  ]);
  const survey = await vault.survey(dead);
  expect(survey.fenced).toEqual([{ runId: P1, reason: 'its workflow is over' }]);
  expect(judgements(survey).filter((line) => line.endsWith('1'))).toEqual([
    'delete abandoned pack 1',
    'delete abandoned session 1',
  ]);
  const { removed } = await vault.collect();
  expect(removed).toEqual({ abandoned: { objects: 2, bytes: expect.any(Number) } });
  expect(vault.keys(`runs/${P1}/`)).toEqual([]);
  await mustRead(vault, P0);
});

test('a session that vanishes while sessions are read is nobody to fence; a decision that vanishes decides nothing', async () => {
  const vault = await collectedVault();
  await vault.begin(P0);
  await vault.begin(P1);
  const survey = await vault.survey(async ({ runId }) => {
    if (runId === P0) vault.store.objects.delete(sessionKey(P1));
    return undefined;
  });
  expect(survey.fenced).toEqual([]);
  let armed = false;
  const other = await collectedVault({
    before: ({ name, key }) => {
      if (armed && name === 'get' && key === pointKey(P0)) other.store.objects.delete(key);
    },
  });
  await other.back(P0);
  armed = true;
  expect(judgements(await other.survey()).every((line) => line.startsWith('keep undecided'))).toBe(true);
});

test('what this version does not know is not listed, and a vault without garbage has a plan without pages', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  vault.store.objects.set(`runs/${P0}/later/thing`, bytes('?'));
  vault.store.objects.set('attestations/odd', bytes('?'));
  const { removed, kept } = await vault.collect();
  expect([removed, kept]).toEqual([{}, {}]);
  expect(vault.keys(`gc/${GC}/`)).toEqual([`gc/${GC}/plan.json`, `gc/${GC}/report.json`]);
  vault.store.objects.set('gc/odd/plan.json', bytes('?'));
  expect(await listPlans(vault.control, NEVER)).toHaveLength(1);
});

test('a run that commits while it is being fenced is not counted as fenced', async () => {
  const vault = await collectedVault();
  await vault.begin(P0);
  const survey = await vault.survey(async () => {
    await vault.back(P0);
    return 'believed dead';
  });
  expect(survey.fenced).toEqual([]);
  await mustRead(vault, P0);
});

test('a candidate parent of a run under way stays though it has expired, and goes when the run has ended', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  await vault.begin(P1, [P0]);
  await vault.expire(P0);
  const survey = await vault.survey();
  expect([...survey.live.points]).toEqual([[P0, 'pinned']]);
  expect(judgements(survey).every((line) => line.startsWith('keep'))).toBe(true);
  expect((await vault.survey(dead)).live.points.size).toBe(0);
});

test('a held point stays though a tombstone stands; a plan made before the hold removes nothing of it', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  await vault.expire(P0);
  const common = { vault: vault.control, gcId: GC, toolVersion: 'test', signal: NEVER } as const;
  await planCollection({ ...common, survey: await vault.survey(), restMs: 0 });
  const hold = { pointId: P0, holdId: P2, placedAt: NOW, reason: 'a court asks for it' };
  const key = holdKey(P0, P2);
  vault.store.objects.set(key, sealDocument(HOLD, hold, { vault: vault.control, key }));
  const report = await executePlan({ ...common, survey: await vault.survey() });
  expect(sumOf(report.removed).objects).toBe(0);
  expect(sumOf(report.kept).objects).toBeGreaterThan(3);
  expect([...(await vault.survey()).live.points]).toEqual([[P0, 'held']]);
});

test('a locked point may expire at once, and its objects go when the lock has run out', async () => {
  const vault = await collectedVault();
  const retainUntil = new Date(Date.parse(NOW) + 10 * 86_400_000).toISOString();
  await vault.back(P0, { retention: { mode: 'governance', retainUntil, keepUntil: null } });
  await vault.expire(P0);
  expect([...(await vault.survey()).live.points]).toEqual([[P0, 'locked']]);
  vault.pass(11);
  expect((await vault.survey()).live.points.size).toBe(0);
});

test('a plan tells of what it removes how much is locked still, and until when', async () => {
  const vault = await collectedVault({ kind: 'locking', lock: { mode: 'governance', days: 10 } });
  await vault.back(P0);
  await vault.expire(P0);
  // The point's own ten days are over, the slack of what it is made of is not.
  vault.pass(11);
  const survey = await vault.survey();
  const plan = await planCollection({ vault: vault.control, gcId: GC, survey, toolVersion: 'test', signal: NEVER });
  const page = await readPage(vault.control, GC, 0, NEVER);
  const locked = page.objects.filter(({ lockedUntil }) => lockedUntil !== undefined);
  expect(locked.map(({ key }) => key.split('/')[2]).sort()).toEqual(['maps', 'packs', 'segments']);
  const bytesOf = locked.reduce((sum, { bytes: size }) => sum + size, 0);
  expect(plan.locked).toEqual({ objects: 3, bytes: bytesOf, until: '2026-12-10T00:00:00.000Z' });
  expect(sumOf(plan.deletes).objects).toBeGreaterThan(3);
});

test('packs that an attempt left behind in a committed run go, its records stay', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  const lost = `runs/${P0}/packs/${'b'.repeat(64)}.pack`;
  vault.store.objects.set(lost, bytes('lost'));
  const { removed } = await vault.collect();
  expect(removed).toEqual({ unnamed: { objects: 1, bytes: 4 } });
  expect(vault.store.objects.has(lost)).toBe(false);
  expect(vault.keys(`runs/${P0}/`).map((key) => key.split('/')[2])).toEqual([
    'maps',
    'packs',
    'segments',
    'session.json',
    'shards',
  ]);
});

test('a point of holes alone names nothing and lives', async () => {
  const vault = await collectedVault();
  await backUp(vault.mover, { 'vol-1': testVolume(2, new Map()) }, { runId: P0 });
  const survey = await vault.survey();
  expect(survey.live.ids.size).toBe(1); // its map
  expect(judgements(survey).every((line) => line.startsWith('keep'))).toBe(true);
});

describe('what cannot be read', () => {
  async function family(): Promise<CollectedVault & { readonly child: Manifest }> {
    const vault = await collectedVault();
    const parent = await vault.back(P0);
    const child = await vault.back(P1, { parent });
    await vault.expire(P0);
    return { ...vault, child };
  }
  const mapOf = ({ volumes: [volume] }: Manifest) =>
    volume ? mapKey(volume.map.runId, volume.volumeId, volume.map.mapId) : '';

  test.each(['missing', 'damaged', 'foreign'])(
    'a %s map of a live point protects its run and its ancestors, nothing else',
    async (how) => {
      const vault = await family();
      const key = mapOf(vault.child);
      if (how === 'missing') vault.store.objects.delete(key);
      else if (how === 'damaged') vault.store.objects.set(key, bytes('?'));
      else
        vault.store.objects.set(
          key,
          vault.store.objects.get(mapOf(vault.child))?.map((b, i) => (i > 40 ? b ^ 1 : b)) ?? bytes(''),
        );
      await vault.begin(P2);
      const survey = await vault.survey(dead);
      expect(survey.live.protection).toEqual({
        kind: 'runs',
        runs: new Map([
          [P1, P1],
          [P0, P1],
        ]),
      });
      const lines = judgements(survey);
      expect(lines.filter((line) => line.startsWith('delete'))).toEqual(['delete abandoned session 2']);
      expect(lines).toContain('keep unreadable pack 0');
      expect(survey.invalid.map((one) => one.key)).toContain(key);
      const plan = await planCollection({ vault: vault.control, gcId: GC, survey, toolVersion: 't', signal: NEVER });
      expect([plan.protects, plan.points.unreadable]).toEqual(['runs', 1]);
    },
  );

  test('a map that is whole but none of ours is as unreadable as a damaged one', async () => {
    const vault = await family();
    const junk = bytes('not sealed by this vault');
    const [volume] = vault.child.volumes;
    if (!volume) throw new Error('no volume');
    const map = { ...volume.map, mapId: sha256Hex(junk), mapBytes: junk.length };
    vault.store.objects.set(mapKey(P1, volume.volumeId, map.mapId), junk);
    const manifest = { ...vault.child, volumes: [{ ...volume, map }] };
    const place = { vault: vault.mover, key: pointKey(P1) };
    vault.store.objects.set(pointKey(P1), sealDocument(COMMIT, manifest, place));
    expect((await vault.survey()).live.unreadable.map(({ pointId }) => pointId)).toEqual([P1]);
  });

  test('of a point whose session is gone the manifest says what its parents are', async () => {
    const vault = await family();
    vault.store.objects.delete(mapOf(vault.child));
    vault.store.objects.delete(sessionKey(P1));
    expect((await vault.survey()).live.protection).toMatchObject({
      runs: new Map([
        [P1, P1],
        [P0, P1],
      ]),
    });
  });

  test('a damaged commit counts as a point that could name whatever its session allows', async () => {
    const vault = await family();
    vault.store.objects.set(pointKey(P1), bytes('rotten'));
    const survey = await vault.survey();
    expect(survey.live.protection).toEqual({
      kind: 'runs',
      runs: new Map([
        [P1, P1],
        [P0, P1],
      ]),
    });
    expect(judgements(survey).some((line) => line.startsWith('delete'))).toBe(false);
    // The control key's word stands above: an expired one is over, readable or not.
    await vault.expire(P1);
    expect(judgements(await vault.survey()).every((line) => line.startsWith('delete expired'))).toBe(true);
  });

  test.each(['missing', 'damaged'])(
    'a damaged commit with a %s session protects everything but abandoned runs',
    async (how) => {
      const vault = await family();
      vault.store.objects.set(pointKey(P1), bytes('rotten'));
      if (how === 'missing') vault.store.objects.delete(sessionKey(P1));
      else vault.store.objects.set(sessionKey(P1), bytes('rotten'));
      await vault.begin(P2);
      const survey = await vault.survey(dead);
      expect(survey.live.protection).toEqual({ kind: 'everything', because: P1 });
      expect(judgements(survey).filter((line) => line.startsWith('delete'))).toEqual(['delete abandoned session 2']);
      const plan = await planCollection({ vault: vault.control, gcId: GC, survey, toolVersion: 't', signal: NEVER });
      expect(plan.protects).toBe('everything');
    },
  );

  test('an object at points/ of which no run is there protects nothing and is reported', async () => {
    const vault = await family();
    vault.store.objects.set(pointKey(P2), bytes('junk'));
    vault.store.objects.set('points/not-a-run.json', bytes('junk'));
    const survey = await vault.survey();
    expect(survey.invalid.map((one) => one.key)).toEqual([pointKey(P2)]);
    expect(judgements(survey)).toContain('delete expired map 0');
  });

  test('a tombstone that the control key did not sign ends nothing and is reported', async () => {
    const vault = await collectedVault();
    await vault.back(P0);
    vault.store.objects.set(tombstoneKey(P0), bytes('forged'));
    vault.store.objects.set('tombstones/README.json', bytes('hello'));
    const survey = await vault.survey();
    expect([survey.expired.size, [...survey.live.points]]).toEqual([0, [[P0, 'committed']]]);
    expect(survey.invalid.map((one) => one.key)).toEqual([tombstoneKey(P0)]);
    expect(await code(vault.expire(P0))).toBe('ObjectExists');
  });

  test('a run whose session cannot be read can never commit, so it is fenced', async () => {
    const vault = await collectedVault();
    vault.store.objects.set(sessionKey(P0), bytes('junk'));
    const survey = await vault.survey();
    expect(survey.fenced.map(({ runId }) => runId)).toEqual([P0]);
    expect(survey.invalid.map((one) => one.key)).toEqual([sessionKey(P0)]);
  });

  test('a store that does not answer ends the survey: who cannot look does not collect', async () => {
    for (const [name, part] of [
      ['get', '.map'],
      ['get', 'session.json'],
      ['get', 'attestations/'],
    ] as const) {
      let armed = false;
      const before = (call: { name: string; key: string }) => {
        if (armed && call.name === name && call.key.includes(part)) throw new VaultError('VaultUnreachable', 'gone');
      };
      const vault = await collectedVault({ before });
      await vault.back(P0);
      await vault.begin(P1);
      await verify(vault, P0);
      if (part === 'attestations/') await vault.expire(P0);
      armed = true;
      expect(await code(vault.survey()), part).toBe('VaultUnreachable');
    }
    // The session of an unreadable point, too.
    let armed = false;
    const vault = await collectedVault({
      before: ({ name, key }) => {
        if (armed && name === 'get' && key === sessionKey(P0)) throw new VaultError('VaultUnreachable', 'gone');
      },
    });
    await vault.back(P0);
    vault.store.objects.set(pointKey(P0), bytes('rotten'));
    armed = true;
    expect(await code(vault.survey())).toBe('VaultUnreachable');
  });
});

async function verify({ mover, control }: CollectedVault, pointId: string): Promise<void> {
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
    attestation: {
      pointId,
      runId: VERIFY_RUN_ID,
      verdict: 'passed',
      startedAt: NOW,
      finishedAt: NOW,
      toolVersion: 't',
      workflow: { workflowId: 'w', temporalRunId: 't' },
      consistency: { disks: { claimed: 'clean-shutdown', verdict: 'confirmed' }, agents: {} },
      checks: [],
      evidence: [],
    },
    signal: NEVER,
  });
}

describe("a verification's evidence", () => {
  const linesOf = async (vault: CollectedVault) =>
    judgements(await vault.survey()).filter((line) => line.includes('evidence'));

  test('stays with its point and goes with it', async () => {
    const vault = await collectedVault();
    await vault.back(P0);
    await verify(vault, P0);
    expect(await linesOf(vault)).toEqual(['keep verification evidence 2']);
    await vault.expire(P0);
    expect(await linesOf(vault)).toEqual(['delete expired evidence 2']);
    await vault.begin(P1, [P0]);
    expect(await linesOf(vault)).toEqual(['keep verification evidence 2']);
  });

  test('stays while nobody has attested it, and a forged attestation of an expired point does not take it', async () => {
    const vault = await collectedVault();
    await vault.back(P0);
    await verify(vault, P0);
    await vault.back(P1);
    await vault.expire(P1);
    vault.store.objects.delete(attestationKey(P0, VERIFY_RUN_ID));
    vault.store.objects.set(attestationKey(P1, VERIFY_RUN_ID), bytes('forged'));
    vault.store.objects.set(attestationKey(P1, P2), bytes('of a run that has nothing here'));
    expect(await linesOf(vault)).toEqual(['keep verification evidence 2']);
  });
});

describe('a later version', () => {
  test('may say in vault.json that this one must not delete', async () => {
    const vault = await collectedVault();
    const old = JSON.parse(new TextDecoder().decode(vault.store.objects.get(VAULT_KEY))) as { body: VaultDocument };
    const features = { read: [], write: [], delete: ['tiers'] };
    const kind = { type: 'vault', schema: VaultDocument } as const;
    const sealed = sealDocument(kind, { ...old.body, features }, { vault: vault.control, key: VAULT_KEY, epoch: 1 });
    vault.store.objects.set(VAULT_KEY, sealed);
    expect(await code(vault.survey())).toBe('VaultIncompatible');
  });

  test('may say so in a manifest: then its point and its ancestors are left alone', async () => {
    const vault = await collectedVault();
    const manifest = await vault.back(P0);
    const features = { read: [], write: [], delete: ['tiers'] };
    const place = { vault: vault.mover, key: pointKey(P0) };
    vault.store.objects.set(pointKey(P0), sealDocument(COMMIT, { ...manifest, features }, place));
    vault.store.objects.set(`runs/${P0}/packs/${'b'.repeat(64)}.pack`, bytes('lost'));
    const survey = await vault.survey();
    expect(survey.invalid[0]?.reason).toMatch(/tiers/);
    expect(judgements(survey)).toContain('keep unreadable pack 0');
  });
});

describe('a plan', () => {
  test('rests for a day, then it is executed; every object in it says why it goes', async () => {
    const vault = await collectedVault();
    await vault.back(P0);
    await vault.expire(P0);
    const judged: string[] = [];
    const common = { vault: vault.control, gcId: GC, toolVersion: 'test', signal: NEVER } as const;
    const onJudged = ({ key }: { key: string }, { decision, why }: { decision: string; why: string }) =>
      void judged.push(`${decision} ${why} ${key}`);
    const plan = await planCollection({ ...common, survey: await vault.survey(), onJudged });
    expect(judged).toHaveLength(sumOf(plan.deletes).objects + sumOf(plan.keeps).objects);
    expect(await listPlans(vault.control, NEVER)).toEqual([{ gcId: GC, executed: false, versionsRemoved: false }]);
    const execute = async () => executePlan({ ...common, survey: await vault.survey(), onProgress: () => {} });
    expect(await code(execute())).toBe('CollectionNotDue');
    vault.pass(1);
    expect(sumOf((await execute()).removed).objects).toBe(judged.length);
    expect(await listPlans(vault.control, NEVER)).toEqual([{ gcId: GC, executed: true, versionsRemoved: false }]);
  });

  test('of many objects has pages; a crash before the plan leaves pages that nobody executes', async () => {
    const vault = await collectedVault();
    for (let i = 0; i < 2500; i++) {
      vault.store.objects.set(`runs/${P0}/packs/${randomBytes(32).toString('hex')}.pack`, bytes('x'));
    }
    await vault.begin(P0);
    const common = { vault: vault.control, toolVersion: 'test', signal: NEVER } as const;
    const survey = await vault.survey(dead);
    let pages = 0;
    const dying = {
      ...vault.store,
      create: async (...args: Parameters<typeof vault.store.create>) => {
        if (pages++ === 1) throw new Error('died');
        return vault.store.create(...args);
      },
    };
    const crashed = planCollection({
      ...common,
      vault: { ...vault.control, store: dying },
      gcId: GC,
      survey,
      restMs: 0,
    });
    await expect(crashed).rejects.toThrow('died');
    expect(await listPlans(vault.control, NEVER)).toEqual([]);
    const gcId = newGcId(vault.control);
    const plan = await planCollection({ ...common, gcId, survey, restMs: 0 });
    expect([plan.pages, sumOf(plan.deletes).objects]).toEqual([3, 2501]);
    await executePlan({ ...common, gcId, survey: await vault.survey() });
    expect(vault.keys(`runs/${P0}/`)).toEqual([]);
  });

  test('that names something unknown leaves it, and of two that execute it one report stands', async () => {
    const vault = await collectedVault();
    await vault.back(P0);
    await vault.expire(P0);
    const common = { vault: vault.control, gcId: GC, toolVersion: 'test', signal: NEVER } as const;
    const survey = await vault.survey();
    await planCollection({ ...common, survey, restMs: 0 });
    const page = { gcId: GC, page: 0, objects: [{ key: 'vault.json', bytes: 1, why: 'later' }] };
    const key = gcPageKey(GC, 0);
    vault.store.objects.set(key, sealDocument(GC_PAGE, page, { vault: vault.control, key }));
    let raced = false;
    const racing = {
      ...vault.store,
      create: async (...args: Parameters<typeof vault.store.create>) => {
        if (args[0] === gcReportKey(GC) && !raced) {
          raced = true;
          await executePlan({ ...common, toolVersion: 'first', survey });
        }
        return vault.store.create(...args);
      },
    };
    const report = await executePlan({ ...common, vault: { ...vault.control, store: racing }, survey });
    expect([report.toolVersion, report.kept]).toEqual(['first', { unknown: { objects: 1, bytes: 1 } }]);
    expect(vault.store.objects.has(VAULT_KEY)).toBe(true);
  });
});

test('a survey tells its steps, in the order of the protocol', async () => {
  const vault = await collectedVault();
  await vault.back(P0);
  await vault.back(P1);
  await vault.expire(P0);
  await vault.begin(P2);
  const steps: string[] = [];
  await surveyVault({
    vault: vault.control,
    isDead: dead,
    signal: NEVER,
    atATime: 1,
    onProgress: (step) => steps.push(step),
  });
  expect([...new Set(steps)]).toEqual(['tombstones', 'sessions', 'fences', 'objects', 'points', 'maps']);
});
