import { guestText } from '../disk/guest-text.ts';

// A refusal lists a few dozen reasons of a sentence each; more is a flood.
const LINE_LIMIT = 500;
const LINES_LIMIT = 60;

/** Text of unknown origin on several lines, without anything that steers a terminal. */
export function terminalText(text: string): string {
  return text
    .split('\n', LINES_LIMIT)
    .map((line) => {
      const indent = /^ */.exec(line)?.[0] ?? '';
      return indent + guestText(line, LINE_LIMIT);
    })
    .join('\n')
    .trimEnd();
}
