import { describe, expect, test, vi } from 'vitest';
import { executePlan, readPage } from '../../../../src/vault/collect/execute-plan.ts';
import { listPlans } from '../../../../src/vault/collect/list-plans.ts';
import { planCollection } from '../../../../src/vault/collect/plan-collection.ts';
import { surveyVault } from '../../../../src/vault/collect/survey.ts';
import { sumOf } from '../../../../src/vault/collect/totals.ts';
import { sealDocument } from '../../../../src/vault/documents.ts';
import { HOLD } from '../../../../src/vault/holds.ts';
import { openVolume, readPoint } from '../../../../src/vault/index.ts';
import { attestationKey, holdKey, pointKey, sessionKey } from '../../../../src/vault/object-keys.ts';
import {
  bytes,
  type CollectedVault,
  collectedVault,
  dead,
  GC,
  judgements,
  P0,
  P1,
  P2,
  verify,
} from '../../../support/collection.ts';
import { backUp, NEVER, NOW, VERIFY_RUN_ID } from '../../../support/vault-fixture.ts';
import { testVolume } from '../../../support/vault-volume.ts';

vi.setConfig({ testTimeout: 120_000 });

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
