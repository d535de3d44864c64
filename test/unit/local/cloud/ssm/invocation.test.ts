import { expect, test } from 'vitest';
import type { CommandRecord } from '../../../../../local/cloud/records.ts';
import { asOf, cancel, end, endByReboot, PENDING, start } from '../../../../../local/cloud/ssm/invocation.ts';

const SENT = { instanceId: 'i-1', ...PENDING };
const COMMAND: CommandRecord = {
  id: 'c',
  createdAt: 0,
  comment: '',
  documentVersion: '1',
  parameters: {},
  timeoutSeconds: 60,
  executionSeconds: 100,
  invocations: [SENT],
};
const DONE = { how: 'exited', code: 0, output: 'o', error: '' } as const;

function running() {
  const begun = start(SENT, 'boot-1', 1_000);
  if (begun === 'no') throw new Error('a new command did not start');
  return begun;
}

test('one boot is told to run a command, however often it asks, and no other boot ever', () => {
  const begun = running();
  expect(start(begun, 'boot-1', 2_000)).toBe(begun);
  expect(start(begun, 'boot-2', 2_000)).toBe('no');
  expect(start(end(begun, 'boot-1', DONE, 3_000), 'boot-1', 4_000)).toBe('no');
});

test('only the boot that runs a command ends it, once', () => {
  const begun = running();
  expect(end(begun, 'boot-2', DONE, 2_000)).toBe(begun);
  const over = end(begun, 'boot-1', DONE, 2_000);
  expect(over).toMatchObject({ status: 'Success', responseCode: 0 });
  expect(end(over, 'boot-1', { ...DONE, code: 1 }, 3_000)).toBe(over);
});

test('a reboot fails what the boot before ran, and nothing else', () => {
  expect(endByReboot(running(), 'boot-2', 2_000).status).toBe('Failed');
  expect(endByReboot(running(), 'boot-1', 2_000).status).toBe('InProgress');
  expect(endByReboot(SENT, 'boot-2', 2_000)).toBe(SENT);
});

test('what nobody took in time was not delivered; what runs is given its own time', () => {
  expect(asOf(COMMAND, SENT, 60_000).status).toBe('Pending');
  expect(asOf(COMMAND, SENT, 60_001)).toMatchObject({
    status: 'TimedOut',
    details: 'DeliveryTimedOut',
    responseCode: -1,
  });
  expect(asOf(COMMAND, running(), 60_001).status).toBe('InProgress');
  expect(asOf(COMMAND, running(), 200_000)).toMatchObject({ status: 'TimedOut', details: 'ExecutionTimedOut' });
});

test('a waiting command is cancelled at once, a running one when its agent says so', () => {
  expect(cancel(SENT, 1_000).status).toBe('Cancelled');
  const asked = cancel(running(), 2_000);
  expect(asked.status).toBe('Cancelling');
  expect(end(asked, 'boot-1', { ...DONE, how: 'cancelled' }, 3_000).status).toBe('Cancelled');
});

test('outputs are cut by characters, not in the middle of one', () => {
  const over = end(running(), 'boot-1', { ...DONE, output: '€'.repeat(24_001), error: '€'.repeat(8_001) }, 2_000);
  expect([over.output, over.error]).toEqual(['€'.repeat(24_000), '€'.repeat(8_000)]);
});
