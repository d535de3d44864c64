const BREAKING = /[\p{Cc}\u2028\u2029]+/gu;
const MARKUP = /[\\`*_{}[\]()<>#+!|~&:@]/g;

/** Text of unknown origin as plain text in a markdown table: no links, no markup, no new cells or rows. */
export function markdownText(text: string, limit = 200): string {
  const line = text.replaceAll(BREAKING, ' ').slice(0, limit);
  return line.replaceAll(MARKUP, (character) => `&#${character.charCodeAt(0)};`);
}
