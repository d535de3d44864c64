import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, killProcess, type ProcessIdentity } from './process-identity.ts';

/** Starts a process that outlives this one; what it complains about goes to a file beside its sockets. */
export async function startDetached(
  program: string,
  args: readonly string[],
  errorFile: string,
): Promise<ProcessIdentity> {
  const errors = openSync(errorFile, 'w');
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', errors, errors] });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    const identity = identify(pid);
    if (identity === undefined) throw new Error(`${program} ended at once: ${readFileSync(errorFile, 'utf8').trim()}`);
    return identity;
  } finally {
    closeSync(errors);
  }
}

/** A machine of this state folder that was started but not yet recorded when the cloud was killed. */
export function findMachine(instanceId: string, stateDir: string): ProcessIdentity | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = readFileSync(join('/proc', name, 'cmdline'), 'utf8').split('\0');
      if (args[1] !== '-name' || args[2] !== instanceId || readlinkSync(join('/proc', name, 'cwd')) !== stateDir)
        continue;
    } catch {
      continue; // ended meanwhile, or somebody else's
    }
    return identify(Number(name));
  }
  return undefined;
}

/** Waits for the end; past the limit the process is killed. Killed processes end within moments, even here. */
export async function waitForEnd(identity: ProcessIdentity | undefined, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) killProcess(identity);
    await sleep(20);
  }
}
