import { expect, test } from 'vitest';
import { globMatches } from '../../../../local/cloud/glob.ts';

test.each([
  { pattern: '', text: '', matches: true },
  { pattern: '*', text: '', matches: true },
  { pattern: '?', text: '', matches: false },
  { pattern: 'a*c', text: 'abcbc', matches: true },
  { pattern: 'a*c', text: 'abcb', matches: false },
  { pattern: '*a?b*', text: 'xxacab', matches: false },
  { pattern: '*a?b*', text: 'xxacbab', matches: true },
  { pattern: 'a.c', text: 'abc', matches: false },
  { pattern: 'a*\nb', text: 'a\n\nb', matches: true },
  { pattern: '?', text: '🚀', matches: true },
  { pattern: '\\*amazon\\?\\\\', text: '*amazon?\\', matches: true },
  { pattern: '\\*amazon\\?\\\\', text: 'an amazon!\\', matches: false },
  { pattern: 'a\\', text: 'a\\', matches: true },
])('the pattern "$pattern" and the text "$text" match: $matches', ({ pattern, text, matches }) => {
  expect(globMatches(pattern, text)).toBe(matches);
});

test('a pattern full of wildcards is answered at once', () => {
  const begun = performance.now();
  expect(globMatches(`${'*a'.repeat(100)}*b`, 'a'.repeat(256))).toBe(false);
  // It takes about a millisecond; the same as a regular expression does not end in a lifetime.
  expect(performance.now() - begun).toBeLessThan(1_000);
});
