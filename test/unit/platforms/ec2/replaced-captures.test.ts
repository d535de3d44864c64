import { expect, test } from 'vitest';
import { removeRunResources } from '../../../../src/platforms/ec2/clean-up.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;

/** A capture of the source, made on that day of November by that run. */
function capture(id: string, day: number, runId: string, vault?: string): string {
  const tags = { deployment: 'deployment', source: run.sourceId, role: 'capture', run: runId, ...(vault && { vault }) };
  const items = Object.entries(tags).map(
    ([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`,
  );
  return `<item><snapshotId>${id}</snapshotId><volumeId>vol-1</volumeId><status>completed</status>
    <startTime>2026-11-${day}T00:00:00.000Z</startTime><tagSet>${items.join('')}</tagSet></item>`;
}

const OWN = capture('snap-own', 24, run.runId, 'main');

async function removedBeside(other: string): Promise<readonly (string | null)[]> {
  const { context, of } = await answerEc2((action, made) => {
    if (action !== 'DescribeSnapshots') return '';
    const isOfRun = [...(made.at(-1)?.values() ?? [])].includes(run.runId);
    return `<snapshotSet>${isOfRun ? OWN : OWN + other}</snapshotSet>`;
  });
  await removeRunResources(context, { run, done: true, keepCapture: true, replacedCaptures: 'remove' }, NEVER);
  return of('DeleteSnapshot').map((call) => call.get('SnapshotId'));
}

test.each([
  { other: capture('snap-old', 23, 'r1', 'main'), removed: ['snap-old'], what: 'an older one of the same vault goes' },
  { other: capture('snap-old', 23, 'r1'), removed: ['snap-old'], what: 'an older one that names no vault goes' },
  {
    other: capture('snap-old', 23, 'r1', 'offsite'),
    removed: [],
    what: "another vault's next increment needs its own",
  },
  { other: capture('snap-new', 25, 'r3', 'main'), removed: [], what: 'a later one is that of a later run' },
])('of captures that a new one replaces, $what', async ({ other, removed }) => {
  expect(await removedBeside(other)).toEqual(removed);
});
