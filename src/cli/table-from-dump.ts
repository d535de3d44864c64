import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { TableRequest } from '../contract/restore-request.ts';
import { EvidenceError } from '../errors.ts';
import { CopiedRows } from './copied-rows.ts';
import type { CliDeps, OpenDump } from './deps.ts';
import { terminalText } from './terminal-text.ts';

/** A server finds a table without a schema by its search path; a dump has none, and `public` is where that path leads. */
const USUAL_SCHEMA = 'public';
// pg_restore complains in a line or two; a damaged dump must not fill the memory.
const SAID_CHARACTERS = 2_000;

export interface TableOrder {
  readonly dump: OpenDump;
  readonly request: TableRequest;
  readonly file: string;
  /** pg_restore, of the dump's version or later. */
  readonly program: string;
}

export interface DumpedTable {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly rows: number;
}

/**
 * One table as SQL out of pg_dump's custom format, which passes through pg_restore: nothing is booted, and nothing but the
 * table is kept. ExtractFailed when there is no such table, or when the program cannot read this dump.
 */
export async function takeFromDump(order: TableOrder, { signal }: Pick<CliDeps, 'signal'>): Promise<DumpedTable> {
  const { dump, file, program, request } = order;
  const name = `${request.schema ?? USUAL_SCHEMA}.${request.table}`;
  const partial = `${file}.partial`;
  try {
    const table = await restore({ dump, partial, program, args: argumentsOf(request) }, signal);
    await rename(partial, file);
    return { name, ...table };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** `--strict-names`: a table that is not there is an error, and not an empty file. */
function argumentsOf({ schema = USUAL_SCHEMA, table }: TableRequest): string[] {
  return ['--no-owner', '--no-privileges', '--strict-names', `--schema=${schema}`, `--table=${table}`, '--file=-'];
}

interface Restoring {
  readonly dump: OpenDump;
  readonly partial: string;
  readonly program: string;
  readonly args: readonly string[];
}

async function restore({ dump, partial, program, args }: Restoring, signal: AbortSignal) {
  // Only for its owner: it is production's data.
  const target = await open(partial, 'wx', 0o600);
  const [hash, counted] = [createHash('sha256'), new CopiedRows()];
  let bytes = 0;
  try {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-SAID_CHARACTERS);
    });
    const ended = once(child, 'close');
    // It leaves when it has what it wants, or what it cannot read; its own exit code tells which.
    const fed = pipeline(dump.chunks(), child.stdin).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
    });
    const kept = (async () => {
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        await target.writeFile(chunk);
        hash.update(chunk);
        counted.add(chunk);
        bytes += chunk.length;
      }
    })();
    const [[code]] = await Promise.all([ended, fed, kept]);
    if (code !== 0)
      throw new EvidenceError('ExtractFailed', `${program} took nothing out: ${terminalText(said.trim())}`);
    await target.sync();
  } finally {
    await target.close();
  }
  return { bytes, sha256: hash.digest('hex'), rows: counted.rows };
}
