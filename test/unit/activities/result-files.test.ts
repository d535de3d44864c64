import { expect, test } from 'vitest';
import { resultFiles } from '../../../src/activities/result-files.ts';
import type { RecipeAnswer, RecipeStep } from '../../../src/contract/evidence.ts';

const STEPS: readonly RecipeStep[] = ['after-agent', 'agent', 'check', 'detect', 'recovered'];

/** What so many recipes leave in the order of a guest's tar, which is that of names; the last one's agent failed. */
function results(recipes: number) {
  const names = Array.from({ length: recipes }, (_, n) => `recipe-${String(n).padStart(3, '0')}`);
  const failed = names.at(-1);
  const answers = names.flatMap((recipe) =>
    STEPS.map((step): RecipeAnswer => ({ recipe, step, ok: recipe !== failed || step !== 'agent', facts: {} })),
  );
  const kinds = ['json', 'log', 'status'];
  const files = new Map<string, Uint8Array>();
  for (const { recipe, step } of answers)
    for (const kind of kinds) files.set(`answers/${recipe}.${step}.${kind}`, Buffer.from(step));
  for (const recipe of names)
    for (const kind of ['list', 'record']) files.set(`agents/${recipe}.${kind}`, Buffer.from(kind));
  for (const name of ['boot-id', 'finished', 'journal']) files.set(name, Buffer.from(name));
  return { finished: true, answers, files };
}

test.each([3, 10, 20, 200])('of %s recipes the failed one keeps its logs, and the machine its journal', (recipes) => {
  const sealed = resultFiles(results(recipes)).map(({ name }) => name);
  const last = `recipe-${String(recipes - 1).padStart(3, '0')}`;
  for (const step of STEPS) expect(sealed).toContain(`result-answers/${last}.${step}.log`);
  expect(sealed).toContain('result-journal');
  expect(sealed.length).toBeLessThanOrEqual(100);
});

test('of few recipes everything is kept', () => {
  expect(resultFiles(results(3))).toHaveLength(3 * 17 + 3);
});

test('of as many recipes as the limit is made for every log is kept', () => {
  const { files, ...report } = results(19);
  const logs = [...files.keys()].filter((name) => name.endsWith('.log'));
  const sealed = resultFiles({ ...report, files }).map(({ name }) => name);
  expect(sealed).toEqual(expect.arrayContaining(logs.map((name) => `result-${name}`)));
});

test('logs are sealed as text, which people are shown, and everything else as bytes', () => {
  const types = Map.groupBy(resultFiles(results(1)), ({ contentType }) => contentType);
  const endings = (type: string) => new Set(types.get(type)?.map(({ name }) => name.split('.').at(-1)));
  expect(endings('text/plain')).toEqual(new Set(['log']));
  expect(endings('application/octet-stream')).not.toContain('log');
});
