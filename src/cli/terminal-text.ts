import { guestText } from '../disk/guest-text.ts';

// A refusal lists a few dozen reasons of a sentence each; more is a flood.
const LINE_LIMIT = 500;
const LINES_LIMIT = 60;

/** Text of unknown origin on several lines, without anything that steers a terminal. */
export function terminalText(text: string): string {
  return harmless(text.split('\n', LINES_LIMIT), LINE_LIMIT);
}

/** The same for programs: nothing of it is cut. */
export function wholeText(text: string): string {
  return harmless(text.split('\n'), Number.POSITIVE_INFINITY);
}

function harmless(lines: readonly string[], limit: number): string {
  return lines
    .map((line) => {
      const indent = /^ */.exec(line)?.[0] ?? '';
      return indent + guestText(line, limit);
    })
    .join('\n')
    .trimEnd();
}
