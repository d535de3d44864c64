import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, longText, markupOf } from '../../../src/report/html.ts';
import { visibleTail, visibleText } from '../../../src/report/visible-text.ts';

test.each([
  { name: 'an escape sequence', text: '\u001b[2Jx', shown: '\\x1b[2Jx' },
  { name: 'a C1 control', text: '\u009b31m', shown: '\\x9b31m' },
  { name: 'a line break', text: 'a\r\nb', shown: 'a\\r\\nb' },
  { name: 'a bidirectional override', text: '\u202egpj.exe', shown: '\\u{202e}gpj.exe' },
  { name: 'a zero-width space', text: 'a\u200bb', shown: 'a\\u{200b}b' },
  { name: 'half a surrogate pair', text: 'a\ud800', shown: 'a\\u{d800}' },
  { name: 'an invisible tag character', text: 'a\u{e0041}', shown: 'a\\u{e0041}' },
  { name: 'ordinary text of any script', text: 'Größe 文字 🙂', shown: 'Größe 文字 🙂' },
])('$name is shown as it is written, not as it acts', ({ text, shown }) => {
  expect(visibleText(text)).toBe(shown);
});

test('text is cut to 200 characters without tearing a pair, and the cut is visible', () => {
  expect(visibleText('🙂'.repeat(200))).toBe('🙂'.repeat(200));
  expect(visibleText('🙂'.repeat(201))).toBe(`${'🙂'.repeat(200)}…`);
});

/** Markup's own characters often, the rest of Unicode and its halves now and then. */
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom('<', '>', '&', '"', "'", '&lt;', '\u0000', '\ud800'),
      fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code)),
    ),
    { maxLength: 300 },
  )
  .map((pieces) => pieces.join(''));

test('no text can leave its place in the markup', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const markup of [markupOf(html`${text}`), markupOf(longText(text))]) {
        expect(markup).not.toMatch(/[<>"']/);
        expect(markup.replace(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
      }
    }),
    { numRuns: 400 },
  );
});

test('the tail of a console is its last lines, without the empty end', () => {
  const bytes = new TextEncoder().encode('one\r\ntwo\r\r\nthree\n\n  \n');
  expect(visibleTail(bytes, { lines: 2, columns: 80 })).toEqual(['two', 'three']);
});

test('bytes that are no UTF-8 are shown as replaced, and lines of a megabyte are cut', () => {
  const bytes = new Uint8Array(1 << 20).fill(0xff);
  expect(visibleTail(bytes, { lines: 5, columns: 20 })).toEqual([`${'\ufffd'.repeat(20)}…`]);
});
