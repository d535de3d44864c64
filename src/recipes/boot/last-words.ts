import { guestText } from '../../disk/guest-text.ts';

/** A longer line is cut for its sink anyway. */
const END_BYTES = 4_096;

/** The last line of a script's log that is neither empty nor its answer; empty where there is none. */
export function lastWords(log: Uint8Array | undefined): string {
  const lines = new TextDecoder().decode(log?.subarray(-END_BYTES)).split('\n');
  return guestText(lines.findLast((line) => line.trim() !== '' && !line.startsWith('{')) ?? '');
}
