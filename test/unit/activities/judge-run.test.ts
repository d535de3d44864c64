import { expect, test } from 'vitest';
import { judgeRun } from '../../../src/activities/judge-run.ts';
import type { RunResource, RunResources } from '../../../src/platforms/platform.ts';

const EXPIRES = '2026-11-24T00:00:00.000Z';
const BEFORE = Date.parse(EXPIRES) - 1;
const AFTER = Date.parse(EXPIRES) + 1;
const NEEDED = { keeps: () => true };
const FORGOTTEN = { keeps: () => false };

/** Roles in brackets are retained; `volume:restored` is of another kind than a snapshot. */
function resources(roles: readonly string[]): RunResources {
  return {
    run: {
      runId: '20261123T023107Z-9f2c01ab',
      deploymentId: 'd',
      workflowId: 'w',
      temporalRunId: 't',
      sourceId: 'i-1',
      expiresAt: EXPIRES,
    },
    resources: roles.map((word) => {
      const [, kind = 'snapshot', role = ''] = /^\(?(?:(\w+):)?([\w-]+)\)?$/.exec(word) ?? [];
      return { kind: kind as RunResource['kind'], id: word, role, retained: word.startsWith('(') };
    }),
  };
}

test.each([
  ['a run that is running', ['clone'], { status: 'running', now: AFTER, keeper: FORGOTTEN }, 'keep'],
  [
    'a run that Temporal does not know, before it expires',
    ['clone'],
    { status: 'unknown', now: BEFORE, keeper: FORGOTTEN },
    'keep',
  ],
  [
    'a machine that was restored for people',
    ['instance:restored'],
    { status: 'over', now: AFTER, keeper: FORGOTTEN },
    'keep',
  ],
  [
    'a volume that was restored for people',
    ['volume:restored', '(image:image)'],
    { status: 'over', now: AFTER, keeper: FORGOTTEN },
    'keep',
  ],
  ['a capture that the next increment needs', ['capture'], { status: 'over', now: AFTER, keeper: NEEDED }, 'keep'],
  ['what a person retained', ['(clone-snapshot)'], { status: 'over', now: AFTER, keeper: FORGOTTEN }, 'keep'],
  [
    'a capture that is needed beside what a person retained',
    ['capture', '(image)'],
    { status: 'over', now: AFTER, keeper: NEEDED },
    'keep',
  ],
  ['a capture, while a vault cannot be read', ['capture'], { status: 'over', now: AFTER, keeper: undefined }, 'keep'],
] as const)('%s is left alone', (_, roles, judgement, action) => {
  expect(judgeRun(resources(roles), judgement).action).toBe(action);
});

test.each([
  ['whose workflow is over', ['clone', 'capture'], { status: 'over', now: BEFORE, keeper: FORGOTTEN }, false],
  ['that Temporal forgot and that expired', ['clone'], { status: 'unknown', now: AFTER, keeper: FORGOTTEN }, false],
  ['of a restore that was terminated', ['restored'], { status: 'over', now: AFTER, keeper: FORGOTTEN }, false],
  [
    'whose restored machine runs, with the image and snapshots of it,',
    ['instance:restored', 'volume:restored', 'image:image', 'restored'],
    { status: 'over', now: AFTER, keeper: FORGOTTEN },
    false,
  ],
  ['whose capture is needed', ['clone', 'capture'], { status: 'over', now: AFTER, keeper: NEEDED }, true],
  ['while a vault cannot be read', ['clone', 'capture'], { status: 'over', now: AFTER, keeper: undefined }, true],
] as const)('a run %s is removed, and its capture only where nothing needs it', (_, roles, judgement, keepCapture) => {
  expect(judgeRun(resources(roles), judgement)).toMatchObject({ action: 'remove', keepCapture });
});
