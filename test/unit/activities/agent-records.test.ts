import { expect, test } from 'vitest';
import { readAgents, recordAgents } from '../../../src/activities/agent-records.ts';
import type { AgentRecord } from '../../../src/contract/evidence.ts';

const DIGEST = 'a'.repeat(64);
const record = (recipe: string, facts: AgentRecord['facts']): AgentRecord => ({
  recipe,
  exitStatus: 0,
  startedAt: '2026-11-23T02:31:07.000Z',
  endedAt: '2026-11-23T02:31:09.000Z',
  log: { bytes: 12, sha256: DIGEST },
  output: { files: 2, bytes: 3, listSha256: DIGEST },
  facts,
});

test('records of many facts come back from a manifest, whose facts hold 16,384 characters each', () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`table${n}`, 'x'.repeat(200)]));
  const records = [record('postgresql', many), record('redis', { keys: 3 })];
  const facts = recordAgents(records);
  expect(Math.max(...Object.values(facts).map(({ length }) => length))).toBeLessThanOrEqual(16_384);
  expect(readAgents(facts)).toEqual(records);
});

test('a point without agents has no such facts', () => {
  expect(recordAgents([])).toEqual({});
  expect(readAgents({ enaSupport: true })).toEqual([]);
});

test.each([
  { what: 'no JSON', text: '[{' },
  { what: 'a recipe that is a path', text: JSON.stringify([record('../../boot', {})]) },
])('$what is a damaged format', ({ text }) => {
  expect(() => readAgents({ 'agents.0': text })).toThrow(/records of agents/);
});
