import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { EvidenceError, systemCode } from '../errors.ts';
import type { OpenDump } from './deps.ts';
import { terminalText } from './terminal-text.ts';

// pg_restore complains in a line or two; a damaged dump must not fill the memory.
const SAID_CHARACTERS = 2_000;
/** Some 300,000 tables with their parts; a dump that promises more is made to fill the memory. */
const MAX_LIST_BYTES = 256 << 20;

export interface PgRestoreRun {
  readonly dump: OpenDump;
  /** pg_restore, of the dump's version or later. */
  readonly program: string;
  readonly args: readonly string[];
}

/** What the program says of a dump in pg_dump's custom format. ExtractFailed with its own words when it fails. */
export async function* streamDump({ dump, program, args }: PgRestoreRun, signal: AbortSignal): AsyncIterable<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-SAID_CHARACTERS);
  });
  const ended = once(child, 'close');
  // It leaves when it has what it wants, or what it cannot read; its own exit code tells which.
  const fed = pipeline(dump.chunks(), child.stdin).catch((error: unknown) => {
    if (systemCode(error) !== 'EPIPE') throw error;
  });
  // Awaited below; whoever reads slowly must not make a failure of either look like nobody's.
  const over = Promise.all([ended, fed]);
  over.catch(() => {});
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
  } finally {
    child.stdout.destroy();
  }
  const [[code]] = await over;
  if (code !== 0) throw new EvidenceError('ExtractFailed', `${program} took nothing out: ${terminalText(said.trim())}`);
}

/** The dump's table of contents, of which only the first bytes are read. */
export async function readList(
  run: Omit<PgRestoreRun, 'args'>,
  options: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of streamDump({ ...run, args: ['--list', ...options] }, signal)) {
    bytes += chunk.length;
    if (bytes > MAX_LIST_BYTES)
      throw new EvidenceError('ExtractFailed', `the dump's table of contents has more than ${MAX_LIST_BYTES} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
