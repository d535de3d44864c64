import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { launchServer, type ServerProcess } from '../servers/server-process.ts';
import { readToolchain } from '../toolchain.ts';
import { withLabEnv } from './lab-env.ts';

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const READY = /worker is ready/;
/** Bundling the workflows and compiling native code: 3 s on a quiet machine. */
const WORKER_LIMIT_MS = 120_000;
const INIT_LIMIT_MS = 120_000;

export type LabEnv = Readonly<Record<string, string>>;

/** The command line that runs the product's own sources; `understudy` for the lab. */
export function understudy(args: readonly string[]): { readonly command: string; readonly args: readonly string[] } {
  return { command: readToolchain().node, args: [CLI, ...args] };
}

/** `understudy init`, as a person would run it. */
export async function initProduct(env: LabEnv): Promise<void> {
  const { command, args } = understudy(['init']);
  await promisify(execFile)(command, [...args], { env: withLabEnv(process.env, env), timeout: INIT_LIMIT_MS }).catch(
    (error: Error & { stderr?: string }) => {
      throw new Error(`understudy init failed: ${error.stderr?.trim() || error.message}`, { cause: error });
    },
  );
}

export interface WorkerOptions {
  readonly stateDir: string;
  readonly role: 'control' | 'mover';
  /** With that role's credentials. */
  readonly env: LabEnv;
  readonly detached?: boolean;
}

export const workerName = (role: 'control' | 'mover') => `worker-${role}`;

/** One of the product's workers as a process of its own; resolves when it polls. Its log is `worker-<role>.log`. */
export function startWorker({ stateDir, role, env, detached = false }: WorkerOptions): Promise<ServerProcess> {
  const name = workerName(role);
  const { command, args } = understudy(['worker', role]);
  return launchServer({
    name,
    command,
    args,
    env: withLabEnv(process.env, env),
    stateDir,
    detached,
    facts: { role },
    readyLimitMs: WORKER_LIMIT_MS,
    isReady: async () => READY.test(await readFile(join(stateDir, `${name}.log`), 'utf8')),
  });
}
