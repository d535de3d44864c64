import { expect, test } from 'vitest';
import type { CheckResult } from '../../../src/contract/results.ts';
import { EvidenceError } from '../../../src/errors.ts';
import { checkResult } from '../../support/fake-activities.ts';
import { runFake } from './fake-deps.ts';
import { POINT_ID, VERIFICATION } from './samples.ts';

const check: CheckResult = { ...checkResult('main', 'full'), notices: 1, findings: ['notice: catalog/x is missing'] };

test('a level that only reads looks at one point, or without one at the whole vault', async () => {
  const one = await runFake(['verify', POINT_ID, '--level', 'full', '--vault', 'main'], { check });
  expect(one.requests).toMatchObject([{ vault: 'main', level: 'full', pointIds: [POINT_ID] }]);
  expect([one.exitCode, one.stdout]).toEqual([0, expect.stringMatching(/^green {2}main, full: 1 points, 8 blocks/)]);
  expect(one.stdout).toContain('catalog/x is missing');
  const all = await runFake(['verify', '--level', 'structure', '--json'], { check });
  expect(all.requests[0]).not.toHaveProperty('pointIds');
  expect(all.json).toMatchObject([{ type: 'result', ok: true, checkId: check.checkId, verdict: 'green' }]);
});

test('damage is exit code 4, and names what to do', async () => {
  const damaged = new EvidenceError('VerificationFailed', 'vault main is damaged (full): 1 objects');
  const red = await runFake(['verify', '--level', 'full', '--json'], { check: damaged });
  expect([red.exitCode, red.json]).toMatchObject([4, [{ ok: false, code: 'VerificationFailed' }]]);
});

test.each([
  { args: ['verify'], says: /name the recovery point/ },
  { args: ['verify', 'no-point', '--level', 'full'], says: /must look like 2026/ },
  { args: ['verify', POINT_ID, '--level', 'deep'], says: /Allowed choices are structure, sample, full, launch/ },
  { args: ['verify', POINT_ID, '--level', 'full', '--isolation', 'sealed'], says: /full boots nothing/ },
])('$args is wrong usage', async ({ args, says }) => {
  const run = await runFake(args, { check });
  expect([run.exitCode, run.requests]).toEqual([2, []]);
  expect(run.stderr).toMatch(says);
});

test('without a level the point is booted, as always', async () => {
  const run = await runFake(['verify', POINT_ID], { verification: VERIFICATION });
  expect([run.exitCode, run.stdout]).toEqual([0, expect.stringContaining('restored from the vault')]);
});

test('Ctrl-C stops waiting for a check, which goes on', async () => {
  const { exitCode, stderr, closed } = await runFake(['verify', '--level', 'full'], { check, interrupt: true });
  expect(exitCode).toBe(130);
  expect(stderr).toContain('temporal workflow cancel --workflow-id check/main/full/request-1');
  expect(closed).toBe(1);
});
