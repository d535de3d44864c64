import { open, rename, rm, stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { TableRequest } from '../contract/restore-request.ts';
import type { TableResult } from '../contract/results.ts';
import { ConfigurationError, VaultError } from '../errors.ts';
import type { CliDeps, OpenDump } from './deps.ts';
import { followRun } from './follow-run.ts';
import { formatBytes } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { addLatestOption, findPointId } from './latest-point.ts';
import type { DumpedTable } from './table-from-dump.ts';
import { terminalText } from './terminal-text.ts';

interface TableOptions {
  readonly out?: string;
  readonly from?: 'dump' | 'disks';
  readonly recipe?: string;
  readonly vault?: string;
  readonly machine?: string;
  readonly isolation?: string;
  readonly json?: true;
}

export function restoreTableCommand(deps: CliDeps): Command {
  const command = new Command('table')
    .description("take one table out of a recovery point: from an agent's dump, or by starting its database, isolated")
    .argument('<point>', 'id of the recovery point, or latest')
    .argument('<table>', '<database>.<table>, or <database>.<schema>.<table>')
    .option('--out <file>', 'where it goes (default: <database>.<table>.sql in this folder)')
    .addOption(
      new Option('--from <where>', 'left out: the dump, if the point has one and pg_restore is here').choices([
        'dump',
        'disks',
      ]),
    )
    .option('--recipe <name>', 'which recipe takes it out, where several can')
    .option('--vault <name>', 'vault of temporal.config.ts')
    .option('--isolation <name>', 'isolation profile of temporal.config.ts')
    .option('--json', 'JSON lines on standard output: progress, then one result');
  return addLatestOption(command).action((point: string, name: string, _: unknown, self: Command) =>
    // `restore` has the same options before its own argument, and would take them.
    runTable({ point, name }, self.optsWithGlobals<TableOptions>(), deps),
  );
}

interface Asked {
  /** Its id, or latest. */
  readonly point: string;
  readonly name: string;
}

async function runTable({ point, name }: Asked, options: TableOptions, deps: CliDeps): Promise<void> {
  const request = readRequest(await findPointId(point, options, deps), name, options);
  const file = options.out ?? `${request.database}.${request.table}.sql`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  await mustNotExist(file);
  if (options.from !== 'disks' && (await takeFromDumpIfAny({ request, file }, options, deps))) return;
  await takeFromDisks({ name, request, file }, options, deps);
}

/** False where the disks have to do. */
async function takeFromDumpIfAny(
  { request, file }: Pick<Order, 'request' | 'file'>,
  { from, json, vault }: TableOptions,
  deps: CliDeps,
): Promise<boolean> {
  const { findProgram } = await import('../qemu/find-programs.ts');
  const { takeFromDump } = await import('./table-from-dump.ts');
  const { writing } = await import('../vault/index.ts');
  const { pointId, database } = request;
  const program = await findProgram('pg_restore', 'postgresql-client', process.env).catch(() => undefined);
  const dump = program
    ? await deps.openDump({ pointId, database, vault })
    : 'pg_restore is not on this host; on Debian and Ubuntu: sudo apt-get install postgresql-client';
  if (typeof dump === 'string' || !program) {
    if (from === 'dump') throw new ConfigurationError('InvalidInput', `no table comes from a dump: ${dump}`);
    deps.stderr.write(`taken from the disks: ${dump}\n`);
    return false;
  }
  try {
    const table = await writing(file, () => takeFromDump({ dump, request, file, program }, deps));
    if (json) jsonLines(deps.stdout).result({ pointId, from: 'dump', file, format: 'sql', ...table, ...dump.cost() });
    else deps.stdout.write(describeDumped({ pointId, file, table, dump }));
  } finally {
    await dump.close();
  }
  return true;
}

interface Order {
  readonly name: string;
  readonly request: TableRequest;
  readonly file: string;
}

async function takeFromDisks({ name, request, file }: Order, options: TableOptions, deps: CliDeps) {
  const { writing } = await import('../vault/index.ts');
  const { pointId } = request;
  const backups = await deps.openBackups();
  try {
    const run = await backups.startTable(request, deps.newRequestId());
    deps.stderr.write(
      `table ${name} of ${pointId}: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`,
    );
    const result = await followRun(run, `table ${name} of ${pointId}`, deps, options);
    await writing(file, () => fetchExtract(file, result, options, deps));
    if (options.json) jsonLines(deps.stdout).result({ ...result, from: 'disks', file });
    else deps.stdout.write(describeTable(result, file));
  } finally {
    await backups.close();
  }
}

/** Dots separate; a name that holds one is written in double quotes, as SQL does. */
function readRequest(pointId: string, name: string, { recipe, vault, isolation }: TableOptions): TableRequest {
  const parts = [...name.matchAll(/"((?:[^"]|"")+)"|([^."]+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  );
  const [database, second, third] = parts;
  if (database === undefined || second === undefined || parts.length > 3) {
    throw new ConfigurationError(
      'InvalidInput',
      `"${terminalText(name)}": write <database>.<table> or <database>.<schema>.<table>`,
    );
  }
  const parsed = TableRequest.safeParse({
    pointId,
    database,
    ...(third === undefined ? { table: second } : { schema: second, table: third }),
    ...(recipe !== undefined && { recipe }),
    ...(vault !== undefined && { vault }),
    ...(isolation !== undefined && { isolation }),
  });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

async function mustNotExist(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found) throw new VaultError('TargetExists', `${file} exists; name another file with --out, or remove it`);
}

/** Under another name until it is whole and proven. */
async function fetchExtract(
  file: string,
  result: TableResult,
  { vault }: TableOptions,
  { openExtracts }: CliDeps,
): Promise<void> {
  const extracts = await openExtracts(vault);
  const partial = `${file}.partial`;
  try {
    // Only for its owner: it is production's data.
    const target = await open(partial, 'w', 0o600);
    try {
      for await (const bytes of extracts.read(result)) await target.writeFile(bytes);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await extracts.close();
  }
}

interface Dumped {
  readonly pointId: string;
  readonly file: string;
  readonly table: DumpedTable;
  readonly dump: OpenDump;
}

function describeDumped({ pointId, file, table, dump }: Dumped): string {
  const { requests, bytesFetched } = dump.cost();
  return [
    `table         ${terminalText(table.name)} of ${pointId}, ${table.rows} rows`,
    `file          ${file} (sql, ${formatBytes(table.bytes)})`,
    `sha256        ${table.sha256}`,
    ...table.absent.map((what) => `needs         ${what}, before it is loaded`),
    ...table.leftOut.map((what) => `left out      ${what}; a comment at the end of the file`),
    `taken out of  the agent's dump; nothing was booted, ${formatBytes(bytesFetched)} fetched in ${requests} requests`,
    '',
  ].join('\n');
}

function describeTable({ pointId, runId, extract, isolation }: TableResult, file: string): string {
  const { bytes, sha256, rows, format, name } = extract;
  return [
    `table         ${terminalText(name)} of ${pointId}${rows === null ? '' : `, ${rows} rows`}`,
    `file          ${file} (${format}, ${formatBytes(bytes)})`,
    `sha256        ${sha256}`,
    `taken out by  run ${runId}, in a machine proven isolated by ${isolation.length} lines and removed`,
    '',
  ].join('\n');
}
