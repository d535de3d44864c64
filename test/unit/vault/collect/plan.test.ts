import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { executePlan } from '../../../../src/vault/collect/execute-plan.ts';
import { GC_PAGE } from '../../../../src/vault/collect/gc-documents.ts';
import { newGcId } from '../../../../src/vault/collect/gc-id.ts';
import { listPlans } from '../../../../src/vault/collect/list-plans.ts';
import { planCollection } from '../../../../src/vault/collect/plan-collection.ts';
import { sumOf } from '../../../../src/vault/collect/totals.ts';
import { sealDocument } from '../../../../src/vault/documents.ts';
import { gcPageKey, gcReportKey, VAULT_KEY } from '../../../../src/vault/object-keys.ts';
import { bytes, code, collectedVault, dead, GC, P0 } from '../../../support/collection.ts';
import { NEVER } from '../../../support/vault-fixture.ts';

vi.setConfig({ testTimeout: 120_000 });

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
