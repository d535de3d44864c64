import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureLabPlan, findLabPlan } from '../../../../local/up/lab-plan.ts';
import { temporaryFolder } from '../../../support/vault-fixture.ts';

test('a lab keeps its keys and its deployment over every start, and another lab has others', async () => {
  const [one, other] = [await temporaryFolder(), await temporaryFolder()];
  expect(findLabPlan(one)).toBeUndefined();
  const plan = ensureLabPlan(one);
  expect(ensureLabPlan(one)).toEqual(plan);
  expect(findLabPlan(one)).toEqual(plan);
  expect(ensureLabPlan(other).deploymentId).not.toBe(plan.deploymentId);
  expect(ensureLabPlan(other).keys.mover).not.toEqual(plan.keys.mover);
});

test("only its owner can read a lab's keys", async () => {
  const folder = await temporaryFolder();
  ensureLabPlan(folder);
  expect(statSync(join(folder, 'lab.json')).mode & 0o077).toBe(0);
});
