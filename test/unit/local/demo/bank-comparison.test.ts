import { expect, test } from 'vitest';
import { compareClients, isWhole, readRestoredBank } from '../../../../local/demo/bank-comparison.ts';
import type { LoadSnapshot } from '../../../../local/production/load.ts';
import type { Transfer } from '../../../../local/production/transfer-log.ts';

const CAPTURE = { startedAtMs: 1000, repliedAtMs: 1500 };
// Numbers 5 to 9, one every 200 ms from 400 ms on, answered after 50 ms: 5, 6 and 7 before 1000; 5 to 10 sent by 1500.
const TRANSFERS: Transfer[] = [5, 6, 7, 8, 9, 10, 11].map((number) => {
  const sentAt = 400 + (number - 5) * 200;
  return { client: 1, number, sentAt, acknowledgedAt: sentAt + 50 };
});
const LOAD: LoadSnapshot = {
  clients: [
    {
      client: 1,
      firstNumber: 5,
      sent: 11,
      lastSentAt: 1600,
      acknowledged: 11,
      lastAcknowledgedAt: 1650,
      failure: undefined,
    },
  ],
  sent: 7,
  acknowledged: 7,
  failedRequests: 0,
  reconnects: 0,
};

test.each([
  { found: 'the last acknowledged', transfers: '1:7:7', whole: true },
  { found: 'the last sent before the reply', transfers: '1:10:10', whole: true },
  { found: 'one acknowledged transfer less', transfers: '1:6:6', whole: false },
  { found: 'one that was sent only afterwards', transfers: '1:11:11', whole: false },
  { found: 'a gap', transfers: '1:8:9', whole: false },
  { found: 'nothing of this client', transfers: '2:9:9', whole: false },
])('a restored bank that holds $found is whole: $whole', ({ transfers, whole }) => {
  const restored = readRestoredBank({ accounts: '10000', balance: '10000000', transfers });
  if (!restored) throw new Error('the facts were not understood');
  const [client] = compareClients(LOAD, TRANSFERS, CAPTURE, restored);
  expect(client).toMatchObject({ acknowledged: 7, sent: 10 });
  expect(client && isWhole(client)).toBe(whole);
});

test('numbers of earlier loads on the same bank are required too', () => {
  const restored = readRestoredBank({ accounts: 1, balance: '1', transfers: '1:3:3' });
  const [client] = restored ? compareClients(LOAD, [], CAPTURE, restored) : [];
  expect(client).toMatchObject({ acknowledged: 4, found: 3 });
  expect(client && isWhole(client)).toBe(false);
});

test.each([[{}], [{ accounts: 1, balance: 1 }], [{ accounts: 1, balance: 1, transfers: 'psql: error' }]])(
  'answers %j are no bank, rather than an empty one',
  (facts) => {
    expect(readRestoredBank(facts)).toBeUndefined();
  },
);
