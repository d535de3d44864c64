import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

/** One program to run, as a person would type it. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Measured {
  readonly wallSeconds: number;
  /** User and system time of the program and of those it started. */
  readonly cpuSeconds: number;
  /** The largest resident size that any of them had. */
  readonly peakMebibytes: number;
  readonly stdout: string;
}

// Node does not tell what a child has used; wait4(2) does, and Python is among the project's packages.
const WAIT = `
import json, os, sys, time
start = time.monotonic()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.monotonic() - start
with os.fdopen(3, "w") as out:
    json.dump({"code": os.waitstatus_to_exitcode(status), "wall": wall, "cpu": used.ru_utime + used.ru_stime, "kib": used.ru_maxrss}, out)
`;
const Used = z.object({ code: z.int(), wall: z.number(), cpu: z.number(), kib: z.number() });

/** No run of these benches takes longer; a hanging one is ended. */
const LIMIT_MS = 20 * 60_000;

/** Runs a program to its end. A program that fails ends the bench with what it said. */
export async function measure({ command, args, env }: Command): Promise<Measured> {
  const child = spawn('python3', ['-c', WAIT, command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  const { stdout: out, stderr: err, stdio } = child;
  const report = stdio[3];
  if (!out || !err || !report || !('read' in report)) throw new TypeError('asked for pipes, got none');
  const [stdout, stderr, used] = await Promise.all([text(out), text(err), text(report)]);
  const { code, wall, cpu, kib } = Used.parse(JSON.parse(used || '{"code":-1,"wall":0,"cpu":0,"kib":0}'));
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${(stderr || stdout).slice(-2000)}`);
  return { wallSeconds: wall, cpuSeconds: cpu, peakMebibytes: kib / 1024, stdout };
}

/** Linux counts in hundredths of a second for programs (USER_HZ, the same on every architecture that Node runs on). */
const TICKS_PER_SECOND = 100;

/** User and system time of a running process so far. */
export function readCpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command in parentheses may hold spaces; fields are counted after the last one (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
