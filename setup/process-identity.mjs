// @ts-check
import { readFileSync } from 'node:fs';

/**
 * A process that can be told from a later one with the same id: ids are reused, start times are not.
 * @typedef {{ readonly pid: number, readonly startTicks: string, readonly bootId: string }} ProcessIdentity
 */

/**
 * Who runs under this id now; undefined when nobody does (a zombie counts as nobody).
 * @param {number} pid
 * @returns {ProcessIdentity | undefined}
 */
export function readProcessIdentity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces and parentheses; fields are counted after the last one (proc(5)).
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startTicks = rest[18]; // field 22; `state` is field 3
    if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
    return { pid, startTicks, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
  } catch {
    return undefined; // no such process, which is the answer
  }
}

/**
 * Whether this very process still runs.
 * @param {ProcessIdentity} identity
 */
export function isAlive({ pid, startTicks, bootId }) {
  const now = readProcessIdentity(pid);
  return now !== undefined && now.startTicks === startTicks && now.bootId === bootId;
}
