/** Longest piece of guest or tag text outside sealed evidence (docs/architecture.md, "Hostile text"). */
const GUEST_TEXT_LIMIT = 200;

/**
 * Control characters (C0, C1), what reorders or hides text (bidirectional marks, zero-width characters, the byte order
 * mark, line and paragraph separators, tag characters) and halves of surrogate pairs.
 */
const HIDDEN = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

/** The text with every hidden character written out (`\x1b`, `\u{202e}`), cut to `limit` characters. */
export function visibleText(text: string, limit: number = GUEST_TEXT_LIMIT): string {
  // Cut first: a guest cannot make us escape more than is shown. By code points, so no pair is torn.
  const points = [...text.slice(0, 2 * limit + 2)];
  const shown = points.slice(0, limit).join('').replace(HIDDEN, writtenOut);
  return points.length > limit ? `${shown}…` : shown;
}

/** The last lines of a console as the guest wrote it, each made visible and cut. */
export function visibleTail(bytes: Uint8Array, limits: TailLimits): readonly string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r*\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines.slice(-limits.lines).map((line) => visibleText(line, limits.columns));
}

export interface TailLimits {
  readonly lines: number;
  readonly columns: number;
}

function writtenOut(character: string): string {
  if (character === '\t') return '\\t';
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
