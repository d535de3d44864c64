import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, readProcessIdentity } from '../../setup/process-identity.mjs';

/** A server of this machine could not be started or stopped. The message ends with what its log says. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

export interface ServerLaunch {
  /** Names the record and the log in `stateDir`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly stateDir: string;
  /** It outlives this process (for `up`). Otherwise the kernel ends it with this process, however that ends. */
  readonly detached: boolean;
  /** What another process must know to use the server; no secrets. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Whether the server answers; rejecting means not yet. */
  readonly isReady: () => Promise<boolean>;
  readonly readyLimitMs?: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** In order, with SIGKILL after 10 s; resolves when the process is gone. Stopping what has ended is no error. */
  stop(): Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 50;
/** Both servers end within 1 s; a database being written on a busy machine took 4 s. */
const STOP_LIMIT_MS = 10_000;
/** Enough for a stack trace's head. */
const LOG_TAIL_BYTES = 2_000;

/** Starts a server and resolves when it answers. Whatever goes wrong, no process is left. */
export async function launchServer(launch: ServerLaunch): Promise<ServerProcess> {
  const { name, stateDir } = launch;
  mkdirSync(stateDir, { recursive: true });
  const earlier = readRecord(stateDir, name);
  if (earlier && isAlive(earlier.identity)) {
    throw new ServerError(`${name} already runs on ${stateDir} (process ${earlier.identity.pid}): stop it first`);
  }
  const identity = await spawnServer(launch);
  writeRecord(stateDir, name, { identity, facts: launch.facts });
  const server = serverProcess(stateDir, name, identity);
  try {
    await untilReady(launch, identity);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The server that an earlier process started on this folder, if it still runs, with the facts of its launch. */
export function findServer(stateDir: string, name: string): { server: ServerProcess; facts: unknown } | undefined {
  const record = readRecord(stateDir, name);
  if (!record || !isAlive(record.identity)) return undefined;
  return { server: serverProcess(stateDir, name, record.identity), facts: record.facts };
}

function spawnServer({ name, command, args, env, stateDir, detached }: ServerLaunch): Promise<ProcessIdentity> {
  // setpriv (util-linux) asks the kernel to end the server with us; SIGKILL since nobody is left to wait for it.
  const line = detached ? [command, ...args] : ['setpriv', '--pdeathsig', 'KILL', '--', command, ...args];
  const [program = command, ...rest] = line;
  const log = openSync(logFile(stateDir, name), 'w');
  return new Promise((resolve, reject) => {
    // A group of its own in both cases: Ctrl-C is for the person's command, which then stops its servers in order.
    const child = spawn(program, rest, { env: env ?? process.env, stdio: ['ignore', log, log], detached: true });
    child.once('error', (cause) => reject(new ServerError(`${name}: ${program} does not start`, { cause })));
    child.once('spawn', () => {
      child.unref();
      const identity = child.pid === undefined ? undefined : readProcessIdentity(child.pid);
      if (identity) resolve(identity);
      else reject(new ServerError(`${name} ended before it answered${logTail(stateDir, name)}`));
    });
    closeSync(log);
  });
}

async function untilReady(
  { name, stateDir, isReady, readyLimitMs = READY_LIMIT_MS }: ServerLaunch,
  identity: ProcessIdentity,
) {
  const giveUpAt = Date.now() + readyLimitMs;
  for (;;) {
    const ready = await isReady().catch(() => false);
    // Looked at after the answer: another server may have answered on the port that this one failed to get.
    if (!isAlive(identity)) throw new ServerError(`${name} ended before it answered${logTail(stateDir, name)}`);
    if (ready) return;
    if (Date.now() > giveUpAt) {
      throw new ServerError(`${name} did not answer within ${readyLimitMs / 1000} s${logTail(stateDir, name)}`);
    }
    await sleep(LOOK_AGAIN_MS);
  }
}

function serverProcess(stateDir: string, name: string, identity: ProcessIdentity): ServerProcess {
  return {
    pid: identity.pid,
    async stop() {
      if (!(await ended(identity, 'SIGTERM')) && !(await ended(identity, 'SIGKILL'))) {
        throw new ServerError(`${name} (process ${identity.pid}) does not end, not even by SIGKILL`);
      }
      // A later launch on the same folder has a record of its own, which is not ours to remove.
      const record = readRecord(stateDir, name);
      if (record && sameProcess(record.identity, identity)) rmSync(recordFile(stateDir, name), { force: true });
    },
  };
}

async function ended(identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean> {
  const giveUpAt = Date.now() + STOP_LIMIT_MS;
  if (isAlive(identity)) killGroup(identity.pid, signal);
  while (isAlive(identity)) {
    if (Date.now() > giveUpAt) return false;
    await sleep(LOOK_AGAIN_MS);
  }
  return true;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface ServerRecord {
  readonly identity: ProcessIdentity;
  readonly facts: unknown;
}

const recordFile = (stateDir: string, name: string) => join(stateDir, `${name}.pid.json`);
const logFile = (stateDir: string, name: string) => join(stateDir, `${name}.log`);

function writeRecord(stateDir: string, name: string, record: ServerRecord): void {
  const file = recordFile(stateDir, name);
  writeFileSync(`${file}.new`, JSON.stringify(record));
  renameSync(`${file}.new`, file);
}

function readRecord(stateDir: string, name: string): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(stateDir, name), 'utf8')) as ServerRecord;
  } catch {
    return undefined; // never started, or stopped in order
  }
}

function sameProcess(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId;
}

function logTail(stateDir: string, name: string): string {
  const text = readFileSync(logFile(stateDir, name), 'utf8').slice(-LOG_TAIL_BYTES).trim();
  return text === '' ? ', its log is empty' : `. Its log ends:\n${text}`;
}
