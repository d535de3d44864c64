import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait-for.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A worker of the product in a process of its own, as `understudy worker` starts it. */
export interface WorkerProcess {
  readonly said: () => string;
  /** Ends it in order; resolves with its exit code. */
  end(): Promise<number | null>;
  /** As a power cut does. */
  kill(): Promise<void>;
}

/** With nothing of this process's environment but what is given. */
export async function startWorkerProcess(
  role: 'control' | 'mover',
  env: Readonly<Record<string, string>>,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'worker', role], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ready = async () => {
    if (child.exitCode !== null) throw new Error(`the ${role} worker ended: ${text}`);
    return text.includes('worker is ready') || undefined;
  };
  try {
    // It loads Temporal's native code and bundles the workflows: seconds, or a minute beside machines that boot.
    await waitFor(ready, { limitMs: 180_000, what: `the ${role} worker`, otherwise: async () => text });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    said: () => text,
    async end() {
      if (child.exitCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await exit;
      return code;
    },
    async kill() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
