import { expect, test } from 'vitest';
import { refutation } from '../../../src/workflows/examine-point.ts';
import { failure } from '../../../src/workflows/failures.ts';

test('machines that stay silent speak against their point', () => {
  const finding = refutation(failure('CloneNotAlive', 'two machines gave no sign of life'), 'clean-shutdown');
  expect(finding.failures).toEqual(['two machines gave no sign of life']);
});

test.each(['MachineLost', 'InsufficientCapacity', 'PlatformUnreachable'] as const)(
  'what happens to the machine (%s) says nothing about the point',
  (code) => {
    expect(() => refutation(failure(code, 'gone'), 'clean-shutdown')).toThrow('gone');
  },
);
