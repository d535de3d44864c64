import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { VaultError } from '../../../src/errors.ts';
import { failureInterceptor } from '../../../src/workers/failure-interceptor.ts';

async function mapped(thrown: unknown): Promise<unknown> {
  const next = async () => {
    throw thrown;
  };
  return failureInterceptor.execute?.({ args: [], headers: {} }, next).catch((error: unknown) => error);
}

test.each([
  { code: 'ObjectDamaged', nonRetryable: true, nextRetryDelay: undefined },
  { code: 'VaultUnreachable', nonRetryable: false, nextRetryDelay: undefined },
  { code: 'SlowDown', nonRetryable: false, nextRetryDelay: '30s' },
] as const)('$code becomes a failure of that type, retried only where that can help', async ({ code, ...wanted }) => {
  const failure = await mapped(new VaultError(code, 'what was found', { context: { key: 'packs/1', bytes: 7 } }));
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({
    type: code,
    message: 'what was found',
    details: [{ key: 'packs/1', bytes: 7 }],
    ...wanted,
  });
});

test('what a service said uncut stays out of histories: the failure has no cause behind our own words', async () => {
  const cause = new Error(`denied: ${'x'.repeat(300)} token`);
  const failure = await mapped(new VaultError('AccessDenied', 'in our words', { cause }));
  const own = failure instanceof ApplicationFailure ? failure.cause : undefined;
  expect(own).toMatchObject({ message: 'in our words', stack: expect.stringContaining('failure-interceptor.test') });
  expect(own?.cause).toBeUndefined();
});

test.each([
  ['a cancellation', new CancelledFailure('cancelled')],
  ['a bug', new TypeError('x is not a function')],
])('%s passes unchanged', async (_, thrown) => {
  expect(await mapped(thrown)).toBe(thrown);
});
