import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isAlive, killProcess, type ProcessIdentity } from './machines/process-identity.ts';
import type { SettingsInput } from './settings.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
/** A start with many machines to adopt, on a busy host. */
const READY_LIMIT_MS = 60_000;

const Ready = z.object({ endpoint: z.url(), control: z.url(), pid: z.int(), startTicks: z.string() });

export interface StartOptions {
  readonly stateDir: string;
  /** May be left out when the state folder has had a start before. */
  readonly settings?: SettingsInput;
  /** Lives on when the caller ends; its log goes to `<stateDir>/cloud.log` either way. */
  readonly detached?: boolean;
}

export interface RunningCloud {
  readonly endpoint: string;
  readonly control: string;
  readonly pid: number;
  readonly stateDir: string;
  /** Ends the server; machines run on and are found again at the next start. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends the server and, hard, every machine of this state folder. */
  stopAll(): Promise<void>;
}

/** Starts a local cloud as a process of its own and waits until it answers. */
export async function startCloud({ settings, detached = false, ...options }: StartOptions): Promise<RunningCloud> {
  const stateDir = resolve(options.stateDir);
  mkdirSync(stateDir, { recursive: true });
  const readyFile = join(stateDir, 'cloud.json');
  const before = readReady(readyFile);
  if (before !== undefined && isAlive(before))
    throw new Error(`a local cloud runs on ${stateDir} already (process ${before.pid})`);
  rmSync(readyFile, { force: true });
  if (settings !== undefined) writeFileSync(join(stateDir, 'settings.json'), JSON.stringify(settings, null, 2));
  const log = openSync(join(stateDir, 'cloud.log'), 'a');
  const child = spawn(process.execPath, [MAIN, '--state', stateDir], { detached, stdio: ['ignore', log, log] });
  closeSync(log);
  let exit: string | undefined;
  child.once('exit', (code, signal) => {
    exit = String(signal ?? code);
  });
  child.once('error', (error) => {
    exit = String(error);
  });
  if (detached) child.unref();
  const deadline = Date.now() + READY_LIMIT_MS;
  for (;;) {
    const ready = readReady(readyFile);
    if (ready !== undefined) return attach(stateDir, ready);
    if (exit !== undefined || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(
        `the local cloud did not start (${exit ?? 'no answer in time'}): ${lastLines(join(stateDir, 'cloud.log'))}`,
      );
    }
    await sleep(20);
  }
}

/** The cloud that runs on this folder, started by whomever; undefined if none does. */
export function findCloud(folder: string): RunningCloud | undefined {
  const stateDir = resolve(folder);
  const ready = readReady(join(stateDir, 'cloud.json'));
  return ready !== undefined && isAlive(ready) ? attach(stateDir, ready) : undefined;
}

/** Ends every machine of a state folder whose cloud no longer runs. */
export async function endMachines(stateDir: string): Promise<void> {
  const { Store } = await import('./store.ts');
  const store = new Store(join(stateDir, 'cloud.sqlite'));
  const instances = store.collection<{ id: string; process?: ProcessIdentity }>('instance').all();
  store.close();
  for (const instance of instances) killProcess(instance.process);
  while (instances.some((instance) => isAlive(instance.process))) await sleep(20);
}

function attach(stateDir: string, ready: z.output<typeof Ready>): RunningCloud {
  const { endpoint, control, pid } = ready;
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    if (isAlive(ready)) process.kill(pid, signal);
    while (isAlive(ready)) await sleep(10);
  };
  return {
    endpoint,
    control,
    pid,
    stateDir,
    stop,
    async stopAll() {
      await stop();
      await endMachines(stateDir);
    },
  };
}

function readReady(file: string): z.output<typeof Ready> | undefined {
  try {
    return Ready.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n');
}
