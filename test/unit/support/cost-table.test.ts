import { expect, test } from 'vitest';
import { describeCosts } from '../../support/cost-table.ts';

test('the slowest files come first, the many fast ones are left out, and every project has its own line', () => {
  const fast = Array.from({ length: 20 }, (_, n) => ({ file: `test/unit/fast-${n}.test.ts`, seconds: 0.1 }));
  const files = [...fast, { file: 'test/e2e/kills.test.ts', seconds: 161.26 }];
  const lines = describeCosts([{ project: 'e2e', seconds: 402 }], files).split('\n');
  expect(lines[1]).toBe('   161.3 s  test/e2e/kills.test.ts');
  expect(lines.filter((line) => line.includes('fast-'))).toHaveLength(14);
  expect(lines).toContain('   402.0 s  e2e');
});
