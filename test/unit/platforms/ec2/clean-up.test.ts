import { expect, test } from 'vitest';
import { removeRunResources } from '../../../../src/platforms/ec2/clean-up.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;
const TAGS = Object.entries({ deployment: 'deployment', run: run.runId, role: 'clone-snapshot' })
  .map(([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`)
  .join('');
const IDS = Array.from({ length: 40 }, (_, n) => `snap-${n}`);
const SNAPSHOTS = IDS.map(
  (id) => `<item><snapshotId>${id}</snapshotId><status>completed</status><tagSet>${TAGS}</tagSet></item>`,
).join('');

/** With time that passes by sleeping only. */
async function cleanUp(isHeld: (snapshotId: string, nowMs: number) => boolean) {
  let nowMs = 0;
  const { context } = await answerEc2((action, calls) => {
    if (action === 'DescribeSnapshots') return `<snapshotSet>${SNAPSHOTS}</snapshotSet>`;
    const id = calls.at(-1)?.get('SnapshotId') ?? '';
    return action === 'DeleteSnapshot' && isHeld(id, nowMs) ? { refusal: 'InvalidSnapshot.InUse' } : '';
  });
  const moving = {
    ...context,
    clock: () => new Date(nowMs),
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const request = { run, done: true, keepCapture: false, replacedCaptures: 'keep' } as const;
  const leftovers = await removeRunResources(moving, request, NEVER);
  return { leftovers: leftovers.map(({ id }) => id), minutes: nowMs / 60_000 };
}

test('40 snapshots that somebody else holds are waited for together, within the time that an attempt has', async () => {
  const { leftovers, minutes } = await cleanUp(() => true);
  expect(leftovers).toEqual(IDS);
  expect(minutes).toBeLessThan(3);
});

test('snapshots that are released after a minute are removed', async () => {
  expect(await cleanUp((_, nowMs) => nowMs < 60_000)).toMatchObject({ leftovers: [] });
});

test('one that somebody else holds does not keep the others', async () => {
  expect(await cleanUp((id) => id === 'snap-0')).toMatchObject({ leftovers: ['snap-0'] });
});
