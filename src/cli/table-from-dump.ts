import { createHash } from 'node:crypto';
import { mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TableRequest } from '../contract/restore-request.ts';
import { EvidenceError } from '../errors.ts';
import { CopiedRows } from './copied-rows.ts';
import type { CliDeps, OpenDump } from './deps.ts';
import { chooseEntries, type DumpEntry, parseEntries } from './dump-entries.ts';
import { readList, streamDump } from './pg-restore.ts';
import { terminalText } from './terminal-text.ts';

/** A server finds a table without a schema by its search path; a dump has none, and `public` is where that path leads. */
const USUAL_SCHEMA = 'public';

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
  /** Parts of the table that need something else; they stand as comments at the end of the file. */
  readonly leftOut: readonly string[];
  /** What must be there before the file is loaded, such as the type of a column. */
  readonly absent: readonly string[];
}

/**
 * One table as SQL out of pg_dump's custom format, which passes through pg_restore: its rows, keys, indexes, sequences and
 * whatever else belongs to it alone, and the tables below it. Nothing is booted, and nothing but the table is kept.
 * ExtractFailed when there is no such table, or when the program cannot read this dump.
 */
export async function takeFromDump(order: TableOrder, { signal }: Pick<CliDeps, 'signal'>): Promise<DumpedTable> {
  const { file, request } = order;
  const name = `${request.schema ?? USUAL_SCHEMA}.${request.table}`;
  const [partial, folder] = [`${file}.partial`, await mkdtemp(join(tmpdir(), 'understudy-table-'))];
  try {
    const chosen = chooseEntries(
      parseEntries(await readList(order, ['--verbose'], signal)),
      await findTable(order, signal),
    );
    const table = await write({ ...order, folder, partial, ...chosen }, signal);
    await rename(partial, file);
    const shown = (entries: readonly DumpEntry[]) => entries.map(({ kind, name: of }) => terminalText(`${kind} ${of}`));
    return { name, ...table, leftOut: shown(chosen.leftOut), absent: shown(chosen.absent) };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** By its exact name, whatever characters that has: pg_restore itself compares. */
async function findTable(order: TableOrder, signal: AbortSignal): Promise<readonly number[]> {
  const { schema = USUAL_SCHEMA, table } = order.request;
  // Not verbose, which would list everything.
  const found = parseEntries(await readList(order, [`--schema=${schema}`, `--table=${table}`], signal));
  const tables = found.filter(({ kind }) => kind === 'TABLE').map(({ id }) => id);
  if (tables.length > 0) return tables;
  const kinds = found.map(({ kind }) => kind).join(', ');
  throw new EvidenceError('ExtractFailed', `the dump has no table of that name${kinds && `, but a ${kinds}`}`);
}

interface Writing extends TableOrder {
  readonly folder: string;
  readonly partial: string;
  readonly kept: readonly DumpEntry[];
  readonly leftOut: readonly DumpEntry[];
}

async function write(order: Writing, signal: AbortSignal): Promise<Pick<DumpedTable, 'bytes' | 'sha256' | 'rows'>> {
  const { dump, program, partial, kept, leftOut } = order;
  // Only for its owner: it is production's data.
  const target = await open(partial, 'wx', 0o600);
  const [hash, counted] = [createHash('sha256'), new CopiedRows()];
  let bytes = 0;
  const add = async (chunk: Buffer) => {
    await target.writeFile(chunk);
    hash.update(chunk);
    bytes += chunk.length;
  };
  try {
    for await (const chunk of streamDump({ dump, program, args: await argumentsFor(order, kept) }, signal)) {
      counted.add(chunk);
      await add(chunk);
    }
    if (leftOut.length > 0) await add(await commented(order, signal));
    await target.sync();
  } finally {
    await target.close();
  }
  return { bytes, sha256: hash.digest('hex'), rows: counted.rows };
}

async function argumentsFor({ folder }: Writing, entries: readonly DumpEntry[]): Promise<string[]> {
  const list = join(folder, 'list');
  await writeFile(list, entries.map(({ id }) => `${id};\n`).join(''));
  return ['--no-owner', '--no-privileges', `--use-list=${list}`, '--file=-'];
}

/** Whoever has the other tables, too, finds here what to run after them. */
async function commented(order: Writing, signal: AbortSignal): Promise<Buffer> {
  const { dump, program, leftOut } = order;
  const parts: Buffer[] = [];
  for await (const chunk of streamDump({ dump, program, args: await argumentsFor(order, leftOut) }, signal))
    parts.push(chunk);
  const statements = Buffer.concat(parts)
    .toString('utf8')
    .split(/[\r\n]+/)
    .filter((line) => line !== '' && !line.startsWith('--') && !/^(SET |SELECT pg_catalog\.set_config|\\)/.test(line));
  const title = 'Left out, because other parts of the database are needed for it:';
  return Buffer.from(`\n${[title, ...statements].map((line) => `-- ${line}\n`).join('')}`);
}
