import { expect, test } from 'vitest';
import { type DemoEvidence, judgeDemo } from '../../../../local/demo/facts.ts';
import { RESULT, VERIFICATION } from '../../cli/samples.ts';

const CAPTURE = {
  seq: 1,
  at: '2026-11-23T02:31:07.500Z',
  service: 'ec2',
  action: 'CreateSnapshots',
  dryRun: false,
  instanceIds: ['i-prod'],
  volumeIds: ['vol-root'],
  snapshotIds: [],
  otherIds: [],
};
const GOOD: DemoEvidence = {
  result: RESULT,
  load: { clients: [], sent: 900, acknowledged: 900, failedRequests: 0, reconnects: 0 },
  production: { captures: [CAPTURE], forbidden: [], pauses: [] },
  sameMachine: true,
  ledger: { production: 60, others: 0 },
  resources: [{ id: 'snap-1', role: 'capture' }],
  bank: { accounts: 10_000, balance: '10000000', clients: [] },
  clients: [{ client: '1', acknowledged: 7, sent: 10, found: 8, gaps: 0 }],
  balance: '10000000',
  hadBack: [{ name: 'table', holds: true, found: '10000 rows' }],
};

test('the demo holds when every fact does', () => {
  expect(judgeDemo(GOOD).filter(({ holds }) => !holds)).toEqual([]);
});

test.each<{ what: string; change: Partial<DemoEvidence>; breaks: string }>([
  {
    what: 'a lower class',
    change: { result: { ...RESULT, consistency: { ...RESULT.consistency, disks: 'crash-consistent' } } },
    breaks: 'class',
  },
  { what: 'a clone in the ledger', change: { ledger: { production: 60, others: 1 } }, breaks: 'isolation' },
  { what: 'a ledger that nobody reaches', change: { ledger: { production: 0, others: 0 } }, breaks: 'isolation' },
  {
    what: 'a red verification',
    change: { result: { ...RESULT, verification: { ...VERIFICATION, verdict: 'red' } } },
    breaks: 'verification',
  },
  { what: 'a failed request', change: { load: { ...GOOD.load, failedRequests: 1 } }, breaks: 'requests' },
  { what: 'no load at all', change: { load: { ...GOOD.load, sent: 0, acknowledged: 0 } }, breaks: 'requests' },
  { what: 'a reconnect', change: { load: { ...GOOD.load, reconnects: 1 } }, breaks: 'connections' },
  { what: 'another machine process', change: { sameMachine: false }, breaks: 'production' },
  { what: 'no capture', change: { production: { captures: [], forbidden: [], pauses: [] } }, breaks: 'production' },
  {
    what: 'a paused machine',
    change: { production: { captures: [CAPTURE], forbidden: [], pauses: [CAPTURE] } },
    breaks: 'production',
  },
  {
    what: 'a lost write',
    change: { clients: [{ client: '1', acknowledged: 7, sent: 10, found: 6, gaps: 0 }] },
    breaks: 'writes',
  },
  { what: 'money that appeared', change: { balance: '9999999' }, breaks: 'balance' },
  {
    what: 'a table that is not what it was',
    change: { hadBack: [{ name: 'table', holds: false, found: '9999 rows' }] },
    breaks: 'table',
  },
  { what: 'no answers of the bank', change: { bank: undefined }, breaks: 'bank' },
  { what: 'a volume left', change: { resources: [{ id: 'vol-9', role: 'clone' }] }, breaks: 'leftovers' },
])('$what breaks "$breaks" and nothing else', ({ change, breaks }) => {
  const broken = judgeDemo({ ...GOOD, ...change }).filter(({ holds }) => !holds);
  expect(broken.map(({ name }) => name)).toEqual([breaks]);
});
