import { expect, test } from 'vitest';
import { failure, readableFailure } from '../../../src/workflows/failures.ts';

test('a failure that is readable already is passed on, not wrapped into one with the same details', () => {
  const readable = failure('PlanIncomplete', 'two of three', { outcomes: [] });
  expect(readableFailure(readable)).toBe(readable);
  expect(readableFailure(readable, { phase: 'capture' })).toMatchObject({
    message: 'capture: two of three',
    cause: readable,
  });
});
