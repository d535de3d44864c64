import { expect, test } from 'vitest';
import { escapeXml, isXmlText } from '../../../../../local/cloud/wire/xml-text.ts';

test.each([
  { text: '', fits: true },
  { text: 'tab\t newline\n return\r', fits: true },
  { text: '\uD7FF\uE000\uFFFD\u{10000}\u{10FFFF}\u007F', fits: true },
  { text: 'zero\u0000', fits: false },
  { text: '\u001B[31m', fits: false },
  { text: 'half a pair \uD83D', fits: false },
  { text: '\uFFFE', fits: false },
])('whether XML 1.0 can hold $text: $fits', ({ text, fits }) => {
  expect(isXmlText(text)).toBe(fits);
});

test('an error that quotes anything at all is well-formed XML', () => {
  expect(escapeXml('<a & "b">\u0000\u{1F680}\uD83D')).toBe('&#60;a &#38; &#34;b&#34;&#62;\uFFFD\u{1F680}\uFFFD');
});
