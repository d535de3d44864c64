import { expect, test } from 'vitest';
import { readProductionRecord } from '../../../../local/demo/production-calls.ts';
import type { CloudCall } from '../../../../local/up/cloud-control.ts';

const PRODUCTION = { instanceId: 'i-prod', volumeIds: ['vol-root', 'vol-data'] };

function call(action: string, change: Partial<CloudCall> = {}): CloudCall {
  const ids = { instanceIds: [], volumeIds: [], snapshotIds: [], otherIds: [] };
  return { seq: 1, at: '2026-11-23T02:31:07.412Z', service: 'ec2', action, dryRun: false, ...ids, ...change };
}

const ON_PRODUCTION = { instanceIds: ['i-prod'], volumeIds: ['vol-root', 'vol-data'] };
const ALLOWED = [
  call('DescribeInstances', { instanceIds: ['i-prod'] }),
  call('CreateSnapshots', { ...ON_PRODUCTION, dryRun: true, error: 'DryRunOperation' }),
  call('CreateSnapshots', ON_PRODUCTION),
  call('qmp:transaction', { service: 'machine', instanceIds: ['i-prod'] }),
  // Tags of the run's own machines name production as their source.
  call('RunInstances', { instanceIds: ['i-clone', 'i-prod'] }),
  call('CreateSnapshots', { instanceIds: ['i-clone', 'i-prod'], volumeIds: ['vol-clone'] }),
  call('StartSnapshot', { service: 'ebs', volumeIds: ['vol-root'], instanceIds: ['i-prod'] }),
  call('qmp:quit', { service: 'machine', instanceIds: ['i-clone'] }),
];

test('reads, a dry run, one capture and what the run does to its own machines are no harm to production', () => {
  const { captures, forbidden, pauses } = readProductionRecord(ALLOWED, PRODUCTION);
  expect([captures.length, forbidden, pauses]).toEqual([1, [], []]);
});

test('a second capture is counted', () => {
  const calls = [...ALLOWED, call('CreateSnapshots', ON_PRODUCTION)];
  expect(readProductionRecord(calls, PRODUCTION).captures).toHaveLength(2);
});

test.each([
  call('StopInstances', { instanceIds: ['i-prod'] }),
  call('RebootInstances', { instanceIds: ['i-prod'] }),
  call('ModifyInstanceAttribute', { instanceIds: ['i-prod'] }),
  call('CreateImage', { instanceIds: ['i-prod'] }),
  call('DetachVolume', { volumeIds: ['vol-data'] }),
  call('CreateSnapshot', { volumeIds: ['vol-root'] }),
])('$action on production is forbidden', (harm) => {
  expect(readProductionRecord([...ALLOWED, harm], PRODUCTION).forbidden).toEqual([harm]);
});

test.each(['qmp:stop', 'qmp:system_powerdown', 'qmp:quit'])('%s to its machine is a pause', (action) => {
  const pause = call(action, { service: 'machine', instanceIds: ['i-prod'] });
  expect(readProductionRecord([...ALLOWED, pause], PRODUCTION).pauses).toEqual([pause]);
});
