import { STEERING } from '../guest-text.ts';
import type { ByteString } from './file-tree.ts';

/** It begins an escape. */
const BACKSLASH = '\\';

/**
 * Bytes as people and JSON see them: UTF-8 as it is, every other byte and whatever steers a terminal as `\xNN`, the
 * backslash as `\\`. `bytesShownAs` takes it back, so what is shown can be given to a command again.
 */
export function shownBytes(bytes: ByteString): string {
  const raw = Buffer.from(bytes, 'latin1');
  let shown = '';
  for (let at = 0; at < raw.length; ) {
    const length = characterBytes(raw, at);
    const text = raw.toString('utf8', at, at + Math.max(1, length));
    const isPlain = length > 0 && !STEERING.test(text) && text !== BACKSLASH;
    shown += isPlain ? text : escaped(raw.subarray(at, at + Math.max(1, length)));
    at += Math.max(1, length);
  }
  return shown;
}

export function bytesShownAs(shown: string): ByteString {
  const parts = shown.split(/(\\\\|\\x[0-9a-f]{2})/i);
  return parts
    .map((part) => {
      if (part === '\\\\') return '\\';
      if (/^\\x[0-9a-f]{2}$/i.test(part)) return String.fromCharCode(Number.parseInt(part.slice(2), 16));
      return Buffer.from(part, 'utf8').toString('latin1');
    })
    .join('');
}

/** Length of the UTF-8 character at `at`; 0 when these bytes are none. */
function characterBytes(raw: Buffer, at: number): number {
  const first = raw[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const part = raw.subarray(at, at + length);
  // Decoding and encoding again shows every malformed form: overlong, surrogate, cut short.
  return part.length === length && Buffer.from(part.toString('utf8'), 'utf8').equals(part) ? length : 0;
}

function escaped(bytes: Buffer): string {
  if (bytes.length === 1 && bytes[0] === 0x5c) return '\\\\';
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
