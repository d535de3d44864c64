import { beforeAll, describe, expect, test } from 'vitest';

// One of each way a test can end; run by test/unit/support/reporter.test.ts, never by `npm test` itself. The skipped one is
// there because the reporter must count it as failed.
test('passes', () => {});
test('differs', () => expect({ a: 1 }).toEqual({ a: 2 }));
test.skip('is skipped', () => {});
describe('a suite', () => {
  beforeAll(() => Promise.reject(new Error('the hook broke')));
  test('never starts', () => {});
});
