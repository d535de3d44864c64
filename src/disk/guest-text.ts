/** Longer guest text belongs into sealed evidence, not into results, tags or histories. */
const GUEST_TEXT_LIMIT = 200;

/**
 * One character that no text of a guest keeps: C0, DEL and C1 (Cc) steer terminals; U+200B–U+200F, U+2028–U+202E and
 * U+2066–U+2069 reorder, hide or break lines of text.
 */
export const STEERING = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
const STEERING_RUNS = new RegExp(`${STEERING.source}+`, 'gu');

/** Text written by a guest, on one line, without characters that steer a terminal. HTML and markdown are its sink's business. */
export function guestText(text: string, limit: number = GUEST_TEXT_LIMIT): string {
  const line = text
    .slice(0, limit * 4)
    .replace(STEERING_RUNS, ' ')
    .trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}

/** The same for bytes: anything that is not UTF-8 shows as U+FFFD. */
export function guestTextOf(bytes: Uint8Array, limit: number = GUEST_TEXT_LIMIT): string {
  return guestText(new TextDecoder().decode(bytes.subarray(0, limit * 4)), limit);
}
