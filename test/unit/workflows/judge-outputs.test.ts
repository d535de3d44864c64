import { expect, test } from 'vitest';
import type { RecipeAnswer } from '../../../src/contract/evidence.ts';
import { judgeOutputs } from '../../../src/workflows/judge-outputs.ts';

const CLAIMED = { redis: 'application-consistent' } as const;
const answer = (step: 'output' | 'load', ok: boolean, reason?: string): RecipeAnswer => ({
  recipe: 'redis',
  step,
  ok,
  facts: reason === undefined ? { keys: 3 } : { reason },
});
const judge = (...answers: RecipeAnswer[]) => judgeOutputs(CLAIMED, { finished: true, answers });

test('an output that is as recorded and loads confirms its class', () => {
  const { agents, failures, facts } = judge(answer('output', true), answer('load', true));
  expect(agents).toEqual({ redis: { claimed: 'application-consistent', verdict: 'confirmed' } });
  expect(failures).toEqual([]);
  expect(facts[0]?.found).toContain('keys 3');
});

test.each([
  { what: 'missing', answers: [], says: /not found/ },
  {
    what: 'truncated',
    answers: [answer('output', false, './dump.rdb has 9 bytes, the agent wrote 12')],
    says: /dump\.rdb/,
  },
  {
    what: 'whole and not loadable',
    answers: [answer('output', true), answer('load', false, 'bad magic')],
    says: /bad magic/,
  },
])('an output that is $what refutes it and names what was found', ({ answers, says }) => {
  const { agents, failures } = judge(...answers);
  expect(agents.redis?.verdict).toBe('refuted');
  expect(failures).toMatchObject([{ name: 'redis output', found: expect.stringMatching(says) }]);
});

test('an output that no recipe can load is compared, not confirmed', () => {
  const { agents, failures } = judge(answer('output', true));
  expect(agents.redis?.verdict).toBe('not-checked');
  expect(failures).toEqual([]);
});
