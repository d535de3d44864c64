import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GivenBack } from '../../src/report/report-data.ts';
import { startInstantMachine } from '../up/instant-machine.ts';
import { withLabEnv } from '../up/lab-env.ts';
import { understudy } from '../up/product.ts';
import type { Lab } from '../up/start-lab.ts';
import type { DemoFact } from './facts.ts';

/** What is searched, by its name alone, and given back: a file of the guest that stands in this repository. */
const FILE = { name: 'postgresql.conf', original: new URL('../guest/files/etc/postgresql.conf', import.meta.url) };
const TABLE = 'bank.accounts';
const COMMAND_LIMIT_MS = 300_000;

export interface GiveBackRequest {
  readonly lab: Lab;
  readonly pointId: string;
  /** Of production: transfers move money and never make any. */
  readonly balance: string;
}

/** One thing that was had back, as a fact of the demo and as a line of its report. */
export interface HadBack {
  readonly fact: DemoFact;
  readonly line: GivenBack;
}

/** What the point is good for: a search, one file, one table, the whole machine at once; by the commands that people type. */
export async function* giveBack(request: GiveBackRequest): AsyncGenerator<HadBack> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-demo-'));
  try {
    const path = yield* search(request, folder);
    yield* oneFile(request, { folder, path });
    yield* oneTable(request, folder);
    yield* instantly(request);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* search({ lab, pointId }: GiveBackRequest, folder: string): AsyncGenerator<HadBack, string> {
  const { items, seconds, command } = await run({ lab, folder }, ['find', FILE.name, '--point', pointId]);
  const paths = items.map(({ path }) => String(path));
  const path = paths.find((one) => one.endsWith(`/${FILE.name}`));
  const found = path === undefined ? `no ${FILE.name}` : `${paths.length} of that name: ${paths.join(', ')}`;
  yield had({ name: 'search', holds: path !== undefined, found }, { command, seconds });
  return path ?? `/${FILE.name}`;
}

async function* oneFile(
  { lab, pointId }: GiveBackRequest,
  { folder, path }: { readonly folder: string; readonly path: string },
): AsyncGenerator<HadBack> {
  const wanted = ['files', 'get', `${pointId}:${path}`, '--to', 'restored'];
  const { result, seconds, command } = await run({ lab, folder }, wanted);
  const [original, restored] = await Promise.all([
    readFile(FILE.original),
    readFile(join(folder, 'restored', FILE.name)).catch(() => undefined),
  ]);
  const holds = restored?.equals(original) ?? false;
  const found = `${path}, ${restored?.length ?? 0} bytes, ${holds ? 'the same' : 'not the same'} as in production`;
  yield had({ name: 'file', holds, found }, { command, seconds, bytesFetched: Number(result.bytesFetched) });
}

async function* oneTable({ lab, pointId, balance }: GiveBackRequest, folder: string): AsyncGenerator<HadBack> {
  const wanted = ['restore', 'table', pointId, TABLE, '--out', 'accounts.sql'];
  const { result, seconds, command } = await run({ lab, folder }, wanted);
  const sum = sumOfBalances(await readFile(join(folder, 'accounts.sql'), 'utf8'));
  const where = result.from === 'dump' ? "out of the agent's dump" : 'out of the disks, by an isolated machine';
  const rows = result.from === 'dump' ? result.rows : (result.extract as { rows?: unknown } | undefined)?.rows;
  const found = `${TABLE}, ${String(rows)} rows ${where}, sum ${sum}${sum === balance ? ' unchanged' : `, was ${balance}`}`;
  yield had({ name: 'table', holds: sum === balance, found }, { command, seconds });
}

async function* instantly({ lab, pointId, balance }: GiveBackRequest): AsyncGenerator<HadBack> {
  const question = 'select sum(balance) as answer from accounts';
  const machine = await startInstantMachine({ env: lab.env(), pointId, question });
  const { end, bytesFetched } = await machine.end();
  const seconds = machine.answeredMs / 1000;
  const holds = machine.answer === balance && end === 'guest powered off';
  const found = `booted from the vault, first query answered after ${seconds.toFixed(1)} s with ${mebibytes(bytesFetched)} fetched; ${end}, nothing kept`;
  const command = `understudy run ${pointId} --forward 5432`;
  yield had({ name: 'instant', holds, found }, { command, seconds, bytesFetched });
}

function had(fact: DemoFact, line: Omit<GivenBack, keyof DemoFact>): HadBack {
  return { fact, line: { ...fact, ...line } };
}

/** Second column of the rows that pg_dump copies: id, balance. */
function sumOfBalances(sql: string): string {
  const [, columns = '', rows = ''] =
    /^COPY public\.accounts \(([^)]*)\) FROM stdin;\n([\s\S]*?)\n\\\.$/m.exec(sql) ?? [];
  const place = columns.split(', ').indexOf('balance');
  return String(rows.split('\n').reduce((sum, row) => sum + BigInt(row.split('\t')[place] || 0), 0n));
}

interface Ran {
  readonly command: string;
  readonly seconds: number;
  readonly items: readonly Record<string, unknown>[];
  readonly result: Record<string, unknown>;
}

interface Place {
  readonly lab: Lab;
  /** Where the command stands and writes. */
  readonly folder: string;
}

async function run({ lab, folder }: Place, wanted: readonly string[]): Promise<Ran> {
  const startedAt = performance.now();
  const { command, args } = understudy([...wanted, '--json']);
  const env = withLabEnv(process.env, lab.env());
  const options = { cwd: folder, env, timeout: COMMAND_LIMIT_MS, maxBuffer: 2 ** 26 };
  const { stdout } = await promisify(execFile)(command, [...args], options);
  const lines = stdout.trimEnd().split('\n');
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    command: `understudy ${wanted.join(' ')}`,
    seconds: (performance.now() - startedAt) / 1000,
    items: said.filter(({ type }) => type === 'item'),
    result: said.at(-1) ?? {},
  };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
