import { type ChildProcess, spawn } from 'node:child_process';
import { PlatformError } from '../errors.ts';
import { Qmp } from './qmp.ts';

/** QEMU opens its monitor within half a second; on a busy host within ten. */
const MONITOR_LIMIT_MS = 20_000;
/** After `quit` QEMU flushes and ends. */
const QUIT_LIMIT_MS = 15_000;
// What QEMU says is a line or two; a flood of warnings must not fill the memory.
const SAID_CHARACTERS = 4_000;

export interface RunningMachine {
  /** How it ended, whoever ended it. Rejects with MachineFailed when QEMU ends by an error. */
  readonly ended: Promise<MachineEnd>;
  /** A command of QEMU's own monitor. MachineFailed with what QEMU said when it refuses. */
  command(name: string, args?: object): Promise<unknown>;
  /** Presses the power button and waits for the guest; past the limit the power is cut. */
  powerOff(limitMs: number): Promise<MachineEnd>;
  /** Cuts the power. */
  kill(): Promise<void>;
}

export type MachineEnd = 'guest powered off' | 'power cut';

export interface StartRequest {
  readonly qemu: string;
  readonly args: readonly string[];
  /** Path of the monitor's socket among the arguments. */
  readonly monitor: string;
  /** Default: MONITOR_LIMIT_MS. */
  readonly monitorLimitMs?: number;
}

/** Starts a machine that ends with this process. MachineFailed with what QEMU said when it does not start. */
export async function startMachine(request: StartRequest): Promise<RunningMachine> {
  const { qemu, args, monitor, monitorLimitMs = MONITOR_LIMIT_MS } = request;
  // Its death is tied to ours by the kernel: a killed process runs no handler, and its machine would go on on disks that
  // nobody serves. setpriv(1) is part of util-linux, which every distribution has.
  const tied = ['--pdeathsig', 'KILL', '--', qemu, ...args];
  const child = spawn('setpriv', tied, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = collect(child);
  let end: MachineEnd = 'power cut';
  const ended = new Promise<MachineEnd>((resolve, reject) => {
    child.on('error', (cause) => reject(failed(`${qemu} cannot be started: ${cause.message}`, cause)));
    child.on('close', (code, signal) => {
      if (code === 0 || child.killed) resolve(end);
      else reject(failed(`QEMU ended${signal ? ` by ${signal}` : ''}: ${said()}`));
    });
  });
  ended.catch(() => {}); // told to whoever waits; nobody may
  const guestEnded = Promise.withResolvers<void>();
  const opened = Qmp.open(
    monitor,
    {
      onEvent: ({ event, data }) => {
        if (event !== 'SHUTDOWN' || data?.guest !== true) return;
        end = 'guest powered off';
        guestEnded.resolve();
      },
      onClose: () => {},
    },
    monitorLimitMs,
  );
  const qmp = await Promise.race([opened, ended.then(() => Promise.reject(failed(`QEMU ended: ${said()}`)))]).catch(
    async (error: unknown) => {
      child.kill('SIGKILL'); // nobody else knows of it, and a worker lives on for weeks
      await ended.catch(() => {});
      throw error instanceof PlatformError ? error : failed(`QEMU opened no monitor: ${said()}`, error);
    },
  );
  const quit = async () => {
    await qmp.execute('quit').catch(() => {});
    await within(ended, QUIT_LIMIT_MS);
    child.kill('SIGKILL');
    await ended.catch(() => {});
  };
  void guestEnded.promise.then(quit);
  return {
    ended,
    command: (name, args) => qmp.execute(name, args),
    async powerOff(limitMs) {
      await qmp.execute('system_powerdown').catch(() => {});
      await within(Promise.race([guestEnded.promise, ended]), limitMs);
      await quit();
      return end;
    },
    kill: quit,
  };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = `${text}${more}`.slice(-SAID_CHARACTERS);
  });
  return () => text.trim() || 'without a word';
}

/** Resolves with the work or the limit, whichever comes first. */
async function within(work: Promise<unknown>, limitMs: number): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, limitMs);
  await Promise.race([work.catch(() => {}), limit.promise]);
  clearTimeout(timer);
}

function failed(message: string, cause?: unknown): PlatformError {
  return new PlatformError('MachineFailed', message, { cause });
}
