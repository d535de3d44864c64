/** XML 1.0's `Char`: a document with any other is not well formed, and no escape helps. */
const NO_XML_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Whether an answer could hold this text: what is remembered must be, or it spoils every later answer that shows it. */
export function isXmlText(text: string): boolean {
  return !NO_XML_CHARACTER.test(text);
}

/** For errors, which quote whatever they refuse: what XML cannot hold is shown as U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(new RegExp(NO_XML_CHARACTER, 'gu'), '\uFFFD')
    .replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
