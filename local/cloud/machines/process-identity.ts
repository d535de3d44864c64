import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot: tells a process from a later one with the same id. */
  readonly startTicks: string;
}

/** Undefined if there is no such process, or only its zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name, in parentheses, may hold anything; fields are counted behind it. State is field 3, start time field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (fields[0] === 'Z' || startTicks === undefined) return undefined;
  return { pid, startTicks };
}

export function isAlive(process: ProcessIdentity | undefined): boolean {
  return process !== undefined && identify(process.pid)?.startTicks === process.startTicks;
}

/** SIGKILL for exactly this process. */
export function killProcess(identity: ProcessIdentity | undefined): void {
  if (identity === undefined || !isAlive(identity)) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // gone between the look and the kill
  }
}
