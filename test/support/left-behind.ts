import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Where npm and tsc keep their own compiled code, by Node's default, for whoever runs them next. */
const KEPT_BY_NODE = 'node-compile-cache';

/** A process that was told to end may need a moment more on a busy host. */
const GRACE_MS = 5_000;
const LOOK_MS = 250;

/** Files of the folder, and processes that name it: what a run whose temporary folder it is has not put away. */
export async function findLeftBehind(folder: string, graceMs = GRACE_MS): Promise<readonly string[]> {
  const until = performance.now() + graceMs;
  let left = await look(folder);
  while (left.length > 0 && performance.now() < until) {
    await pause(LOOK_MS);
    left = await look(folder);
  }
  return left;
}

async function look(folder: string): Promise<readonly string[]> {
  const [files, processes] = await Promise.all([readdir(folder), processesNaming(folder)]);
  const left = files.filter((name) => name !== KEPT_BY_NODE);
  return [...left.map((name) => `file ${name}`), ...processes.map((command) => `process ${command}`)];
}

/** The command lines of all other processes that have the folder in theirs, or work in it. */
export async function processesNaming(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const commands = await Promise.all(
    pids.map(async (pid) => {
      try {
        const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
        const cwd = await readlink(`/proc/${pid}/cwd`);
        return [command, cwd].some((text) => text.includes(folder)) ? [command] : [];
      } catch {
        return []; // it has ended meanwhile, or is somebody else's
      }
    }),
  );
  return commands.flat();
}
