import { expect, test } from 'vitest';
import { markdownText } from '../../../src/workflows/markdown.ts';

test.each([
  '[click](http://evil)',
  '<script>alert(1)</script>',
  'a | b\nc | d',
  '**bold** _it_ `code` ~~x~~',
  '\u001b[31mred',
  '![x](y)',
])('guest text %j shows as plain text in a table', (text) => {
  const shown = markdownText(text);
  expect([...shown].filter((character) => '\n\u001b|<>[]()*_`~!'.includes(character))).toEqual([]);
  const decoded = shown.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
  expect(decoded).toBe(text.replaceAll('\n', ' ').replaceAll('\u001b', ' '));
});

test('long guest text is cut before it is escaped', () => {
  expect(markdownText('x'.repeat(5000))).toHaveLength(200);
});
