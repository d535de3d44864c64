import { expect, test } from 'vitest';
import { PlatformError } from '../../../../src/errors.ts';
import { make, SHOWS_WITHIN_MS } from '../../../../src/platforms/ec2/make.ts';

function clock() {
  const waits: number[] = [];
  return {
    waits,
    sleep: async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted();
      waits.push(ms);
    },
  };
}

test('a cancelled request that makes something is answered first, then given time to show, so clean-up finds it', async () => {
  const { sleep, waits } = clock();
  const cancelled = new AbortController();
  const made = await make({ sleep }, 'RunInstances', cancelled.signal, async () => {
    cancelled.abort(new Error('cancelled'));
    return 'i-1';
  });
  expect(made).toBe('i-1');
  expect(waits).toEqual([SHOWS_WITHIN_MS]);
});

test('a request whose reply was lost after a cancellation also waits: it may have succeeded', async () => {
  const { sleep, waits } = clock();
  const cancelled = new AbortController();
  const making = make({ sleep }, 'RunInstances', cancelled.signal, async () => {
    cancelled.abort(new Error('cancelled'));
    throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
  });
  await expect(making).rejects.toThrow(PlatformError);
  expect(waits).toEqual([SHOWS_WITHIN_MS]);
});

test('nothing is sent once the run is cancelled', async () => {
  let sent = 0;
  const making = make(clock(), 'RunInstances', AbortSignal.abort(new Error('cancelled')), async () => sent++);
  await expect(making).rejects.toThrow('cancelled');
  expect(sent).toBe(0);
});

test('without cancellation nothing waits', async () => {
  const { sleep, waits } = clock();
  await make({ sleep }, 'RunInstances', new AbortController().signal, async () => 'i-1');
  expect(waits).toEqual([]);
});
