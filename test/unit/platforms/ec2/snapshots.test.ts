import { expect, test } from 'vitest';
import type { OwnMachine } from '../../../../src/contract/machine.ts';
import { findCapture } from '../../../../src/platforms/ec2/capture.ts';
import { snapshotStopped } from '../../../../src/platforms/ec2/snapshots.ts';
import { answerEc2 } from '../../../support/ec2-answers.ts';
import { TEST_RUN as run } from '../../../support/test-run.ts';

const NEVER = new AbortController().signal;
const machine = {
  machineId: 'i-clone',
  volumes: { 'vol-a': 'vol-own-a', 'vol-b': 'vol-own-b', scratch: 'vol-own-s' },
} as unknown as OwnMachine;

function tags(role: string): string {
  const all = { deployment: 'deployment', run: run.runId, role };
  const items = Object.entries(all).map(
    ([key, value]) => `<item><key>understudy:${key}</key><value>${value}</value></item>`,
  );
  return `<tagSet>${items.join('')}</tagSet>`;
}

const snapshot = (volumeId: string, role: string, second = 0) =>
  `<item><snapshotId>snap-of-${volumeId}</snapshotId><volumeId>${volumeId}</volumeId><volumeSize>1</volumeSize>
  <startTime>2026-11-23T02:40:0${second}.000Z</startTime><status>pending</status><encrypted>false</encrypted>${tags(role)}</item>`;
const DISKS = ['vol-own-a', 'vol-own-b'].map((id) => snapshot(id, 'clone-snapshot')).join('');
const SCRATCH = snapshot('vol-own-s', 'scratch', 5);
const STOPPED = `<reservationSet><item><instancesSet><item><instanceId>i-clone</instanceId>
  <instanceState><name>stopped</name></instanceState>${tags('clone')}</item></instancesSet></item></reservationSet>`;

test('snapshots of which the reply was lost are looked for until they show, and are not made twice', async () => {
  let shows = 0;
  const { context, of } = await answerEc2((action, calls) => {
    const has = (other: string) => calls.some((call) => call.get('Action') === other);
    if (action === 'CreateSnapshots' || action === 'CreateSnapshot') return undefined;
    if (action === 'DescribeInstances') return STOPPED;
    if (action === 'DescribeVolumes')
      return `<volumeSet><item><volumeId>vol-own-s</volumeId>${tags('clone')}</item></volumeSet>`;
    // Every third look shows what there is: tags are late.
    const seen = shows++ % 3 < 2 ? '' : `${has('CreateSnapshots') ? DISKS : ''}${has('CreateSnapshot') ? SCRATCH : ''}`;
    return `<snapshotSet>${seen}</snapshotSet>`;
  });
  const request = { run, machine, scratchOnly: false, retain: true };
  const { disks, scratch } = await snapshotStopped(context, request, NEVER);
  expect(disks.map(({ snapshotId }) => snapshotId)).toEqual(['snap-of-vol-own-a', 'snap-of-vol-own-b']);
  expect(scratch.snapshotId).toBe('snap-of-vol-own-s');
  expect(of('CreateSnapshots')).toHaveLength(1);
  expect(of('CreateSnapshot')).toHaveLength(1);
});

test.each([
  { captured: ['vol-a', 'vol-b'], ends: ['snap-of-vol-a', 'snap-of-vol-b'], what: 'every volume is adopted' },
  { captured: ['vol-a'], ends: undefined, what: 'a part of them is not' },
])('a capture of this run with $what', async ({ captured, ends }) => {
  const found = await findCapture(await capturing(captured), run, ['vol-a', 'vol-b'], NEVER);
  expect(found?.snapshots.map(({ snapshotId }) => snapshotId)).toEqual(ends);
});

test('an adopted capture that holds more than preflight saw is refused as a new one is', async () => {
  const context = await capturing(['vol-a', 'vol-b', 'vol-new']);
  await expect(findCapture(context, run, ['vol-a', 'vol-b'], NEVER)).rejects.toMatchObject({
    code: 'CaptureFailed',
    message: expect.stringContaining('in addition vol-new'),
  });
});

async function capturing(volumeIds: readonly string[]) {
  const body = `<snapshotSet>${volumeIds.map((id) => snapshot(id, 'capture')).join('')}</snapshotSet>`;
  return (await answerEc2(() => body)).context;
}
