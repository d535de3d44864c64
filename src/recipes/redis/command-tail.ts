const CR = 13;
const LF = 10;
const STAR = 42; // "*": a command begins
const DOLLAR = 36; // "$": an argument begins
const HASH = 35; // "#": a line with a time stamp (aof-timestamp-enabled)
/** A few suffice to get past arguments that look like commands; more only costs time on hostile bytes. */
const MAX_CANDIDATES = 10_000;

/**
 * Whether an append-only file ends where a command ends. `isWhole`: the bytes are the file from its start; otherwise they
 * are its tail, and any place from which commands follow each other up to the end is accepted as a start.
 */
export function endsAtWholeCommand(bytes: Uint8Array, isWhole: boolean): boolean {
  const hasPreamble = isWhole && bytes[0] === 0x52; // "R" of "REDIS": an RDB dump stands before the commands
  if (isWhole && !hasPreamble) return parsesToEnd(bytes, 0);
  let candidates = 0;
  for (let at = bytes.indexOf(STAR); at !== -1; at = bytes.indexOf(STAR, at + 1)) {
    if (at > 0 && bytes[at - 1] !== LF && !hasPreamble) continue;
    if (parsesToEnd(bytes, at)) return true;
    if (++candidates > MAX_CANDIDATES) return false;
  }
  return false;
}

function parsesToEnd(bytes: Uint8Array, start: number): boolean {
  let at = start;
  while (at < bytes.length) {
    const next = commandEnd(bytes, at);
    if (next === undefined) return false;
    at = next;
  }
  return at === bytes.length;
}

/** The offset behind the command or time-stamp line at `at`. */
function commandEnd(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === HASH) {
    const end = bytes.indexOf(LF, at);
    return end === -1 ? undefined : end + 1;
  }
  const head = readCount(bytes, at, STAR);
  if (head === undefined || head.count === 0) return undefined;
  let next = head.end;
  for (let left = head.count; left > 0; left--) {
    const argument = readCount(bytes, next, DOLLAR);
    if (argument === undefined) return undefined;
    next = argument.end + argument.count + 2;
    if (next > bytes.length || bytes[next - 2] !== CR || bytes[next - 1] !== LF) return undefined;
  }
  return next;
}

/** `<mark><digits>\r\n`. Ten digits are more than any argument Redis accepts (512 MiB). */
function readCount(bytes: Uint8Array, at: number, mark: number): { count: number; end: number } | undefined {
  if (bytes[at] !== mark) return undefined;
  let count = 0;
  for (let digits = 1; digits <= 10; digits++) {
    const byte = bytes[at + digits];
    if (byte === CR && digits > 1) return bytes[at + digits + 1] === LF ? { count, end: at + digits + 2 } : undefined;
    if (byte === undefined || byte < 48 || byte > 57) return undefined;
    count = count * 10 + byte - 48;
  }
  return undefined;
}
