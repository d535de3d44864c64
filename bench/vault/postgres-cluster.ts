import { spawn } from 'node:child_process';
import { chown, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const PROGRAMS = '/usr/lib/postgresql';
/** pgbench's tables: 100,000 accounts of about 15 MB per unit of scale (PostgreSQL's documentation, pgbench). */
const BYTES_PER_SCALE = 16e6;
const TRANSACTIONS = 20_000;
// PostgreSQL refuses to run as root; nobody has this id on every Debian.
const NOBODY = 65_534;

export interface ClusterRequest {
  readonly bytes: number;
  readonly seed: number;
  readonly note: (text: string) => void;
}

/** Makes a PostgreSQL cluster of about so many bytes, fills and uses it, stops it in order and returns its folder. */
export async function fillCluster({ bytes, seed, note }: ClusterRequest): Promise<string> {
  const programs = await findPrograms();
  // Not in the cache: the home folder of root is closed to everybody else.
  const data = await mkdtemp(join(tmpdir(), 'understudy-bench-cluster-'));
  if (process.getuid?.() === 0) await chown(data, NOBODY, NOBODY);
  const program = (name: string, ...args: string[]) => run(join(programs, name), args);
  const scale = Math.max(1, Math.floor(bytes / BYTES_PER_SCALE));
  note(`filling a PostgreSQL cluster of scale ${scale}`);
  await program('initdb', '--pgdata', data, '--username', 'bench', '--auth', 'trust', '--no-sync');
  const settings = `-c listen_addresses='' -c unix_socket_directories='${data}' -c fsync=off -c max_wal_size=256MB`;
  await program('pg_ctl', 'start', '--pgdata', data, '--wait', '--log', join(data, 'log'), '--options', settings);
  try {
    const client = ['--host', data, '--username', 'bench', 'postgres'];
    await program('pgbench', '--initialize', '--quiet', '--scale', `${scale}`, ...client);
    const use = ['--client', '4', '--transactions', `${TRANSACTIONS / 4}`, '--random-seed', `${seed}`];
    await program('pgbench', ...use, ...client);
  } finally {
    await program('pg_ctl', 'stop', '--pgdata', data, '--wait', '--mode', 'fast');
  }
  return data;
}

async function findPrograms(): Promise<string> {
  const versions = await readdir(PROGRAMS).catch(() => []);
  const [newest] = versions.sort((a, b) => Number(b) - Number(a));
  if (newest === undefined) throw new Error(`there is no PostgreSQL in ${PROGRAMS}`);
  return join(PROGRAMS, newest, 'bin');
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  // Not a pipe: the server that pg_ctl leaves behind would hold it open.
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', ...asNobody });
  const [stderr, code] = await Promise.all([
    command.endsWith('pg_ctl') ? Promise.resolve('') : text(child.stderr),
    new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve)),
  ]);
  child.stderr.destroy();
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.slice(-1000)}`);
}
