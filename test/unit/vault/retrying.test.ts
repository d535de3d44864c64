import { expect, test } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { retrying } from '../../../src/vault/retrying.ts';
import { faultyStore } from '../../support/vault-faulty-store.ts';
import { NEVER } from '../../support/vault-fixture.ts';

function waitingClock() {
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  return { waits, clock: { now: () => new Date(0), sleep } };
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'created',
    (error: unknown) => (error instanceof VaultError ? error.code : String(error)),
  );

test.each([
  { stream: 'ok', waits: [], ends: 'created' },
  { stream: 'slow slow ok', waits: [100, 400], ends: 'created' },
  { stream: 'lost ok', waits: [100], ends: 'created' },
  { stream: 'slow slow slow ok', waits: [100, 400], ends: 'SlowDown' },
  { stream: 'slow exists ok', waits: [100], ends: 'ObjectExists' },
  { stream: 'denied ok', waits: [], ends: 'AccessDenied' },
  { stream: 'bug ok', waits: [], ends: 'Error: bug' },
])('a store answering "$stream" is waited for $waits ms and ends in $ends', async ({ stream, waits, ends }) => {
  const { clock, waits: waited } = waitingClock();
  const store = retrying(faultyStore(stream), { delaysMs: [100, 400], clock });
  expect(await outcome(store.create('k', new Uint8Array(), NEVER))).toBe(ends);
  expect(waited).toEqual(waits);
});

test('a listing that breaks goes on after the last key, each key once', async () => {
  const { clock } = waitingClock();
  const inner = faultyStore('ok');
  let attempts = 0;
  const store = retrying(
    {
      ...inner,
      async *list() {
        attempts++;
        yield { key: 'a', bytes: 1 };
        yield { key: 'b', bytes: 1 };
        if (attempts === 1) throw new VaultError('VaultUnreachable', 'reset');
        yield { key: 'c', bytes: 1 };
      },
    },
    { delaysMs: [100], clock },
  );
  const keys: string[] = [];
  for await (const { key } of store.list('', NEVER)) keys.push(key);
  expect(keys).toEqual(['a', 'b', 'c']);
});
