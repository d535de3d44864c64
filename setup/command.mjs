// @ts-check
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {number} [timeoutMs] the command is killed after this
 * @property {AbortSignal} [signal] the command is killed when this fires
 *
 * @typedef {{ code: number | null, timedOut: boolean, stdout: string, stderr: string }} CommandResult
 */

// A process that hangs inside the kernel (seen with a broken /dev/kvm) may not even obey SIGKILL; the set-up goes on.
const REAP_LIMIT_MS = 2_000;

/**
 * Runs a command to its end and says how it went; never throws for a command that failed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<CommandResult>}
 */
export function run(command, args, { cwd, env, timeoutMs, signal } = {}) {
  return new Promise((resolve) => {
    // A group of its own: what the command started ends with it.
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    /** @type {NodeJS.Timeout[]} */
    const timers = [];
    /** @param {number | null} code */
    const end = (code) => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      resolve({ code, timedOut, stdout, stderr });
    };
    const kill = () => {
      killGroup(child.pid);
      timers.push(setTimeout(() => end(null), REAP_LIMIT_MS));
    };
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', (error) => {
      stderr += error.message;
      end(null);
    });
    child.on('close', end);
    if (timeoutMs !== undefined) {
      timers.push(
        setTimeout(() => {
          timedOut = true;
          kill();
        }, timeoutMs),
      );
    }
    if (signal?.aborted) kill();
    signal?.addEventListener('abort', kill);
  });
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}

/**
 * The last lines of what a command said: enough to see the cause, short enough for one message.
 * @param {CommandResult} result
 */
export function lastWords({ stdout, stderr }) {
  const lines = (stderr.trim() || stdout.trim()).split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-4).join(' | ').slice(-600) || 'it said nothing';
}

/**
 * Where a command is on the PATH; undefined when it is not there.
 * @param {string} command
 * @param {NodeJS.ProcessEnv} env
 */
export function findOnPath(command, env) {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find(isExecutable);
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
