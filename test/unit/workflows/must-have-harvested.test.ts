import { expect, test } from 'vitest';
import type { CloneExamination, FailedAgent } from '../../../src/activities/examine.ts';
import { mustHaveHarvested } from '../../../src/workflows/must-have-harvested.ts';

const LOGS = ['agent', 'check'].map((step) => `clone-1-result-answers-shop.${step}.log`);

function failureOf(failed: Partial<FailedAgent>): string {
  const agent: FailedAgent = { recipe: 'shop', reason: 'exit status 3', exitStatus: 3, lastWords: '', ...failed };
  const evidence = LOGS.map((name) => ({ name, sha256: 'a'.repeat(64), bytes: 1, contentType: 'text/plain' }));
  const examined = { evidence, agentFailures: [agent] } as unknown as CloneExamination;
  try {
    mustHaveHarvested(examined, { runId: '20261123T023107Z-9f2c01ab' });
  } catch (error) {
    return String(error);
  }
  return 'no failure';
}

test('of an agent that fails its last words and its own log are named', () => {
  const said = failureOf({ lastWords: 'cannot connect' });
  expect(said).toContain('shop: exit status 3; its last words: "cannot connect"');
  expect(said).toContain(LOGS[0]);
  expect(said).not.toContain(LOGS[1]);
});

test("of a check that fails its log is named beside the agent's, and its last words are told once", () => {
  const reason = 'the check of what it wrote failed: exit status 2: unexpected "fi"';
  const said = failureOf({ reason, step: 'check', exitStatus: 0, lastWords: 'unexpected "fi"' });
  expect(said).toContain(`shop: ${reason}. Nothing was committed`);
  for (const log of LOGS) expect(said).toContain(log);
});
