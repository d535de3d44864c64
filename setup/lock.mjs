// @ts-check
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from './failure.mjs';
import { isAlive, readProcessIdentity } from './process-identity.mjs';

const LOOK_AGAIN_MS = 300;
// The longest legitimate holder is a first set-up: 10 minutes on 2 cores.
const WAIT_LIMIT_MS = 20 * 60_000;

/**
 * Runs `work` while no other live process holds the lock file. A lock whose holder has died is taken over.
 *
 * Two takers of one stale lock may, very rarely, both go on. So a lock only saves work; what must not go wrong is kept
 * right by publishing with a rename (cache.mjs).
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (holderPid: number) => void, waitLimitMs?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait = () => {}, waitLimitMs = WAIT_LIMIT_MS, signal } = {}) {
  await mkdir(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(mine, JSON.stringify(readProcessIdentity(process.pid)));
  try {
    await acquire(path, mine, { onWait, waitLimitMs, signal });
  } finally {
    await rm(mine, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * @param {string} path
 * @param {string} mine
 * @param {{ onWait: (holderPid: number) => void, waitLimitMs: number, signal: AbortSignal | undefined }} options
 */
async function acquire(path, mine, { onWait, waitLimitMs, signal }) {
  const giveUpAt = Date.now() + waitLimitMs;
  let told = false;
  for (;;) {
    // A hard link appears with its content or not at all, so no reader ever sees a lock without its holder.
    if (await linked(mine, path)) return;
    const holder = await readHolder(path);
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      await removeStale(path, mine);
      continue;
    }
    if (!told) onWait(holder.pid);
    told = true;
    if (Date.now() > giveUpAt) {
      throw new SetupError(
        `Another set-up (process ${holder.pid}) has held ${path} for ${Math.round(waitLimitMs / 60_000)} minutes`,
        'wait for it or end it, then start again',
      );
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
async function linked(from, to) {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Who holds the lock; undefined when it was released meanwhile. What is no identity counts as a dead holder's.
 * @param {string} path
 * @returns {Promise<import('./process-identity.mjs').ProcessIdentity | undefined>}
 */
async function readHolder(path) {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const { pid, startTicks, bootId } = JSON.parse(text);
    return { pid: Number(pid), startTicks: String(startTicks), bootId: String(bootId) };
  } catch {
    return { pid: 0, startTicks: '', bootId: '' };
  }
}

/**
 * Moved aside before it is removed: of several takers only one gets to move it.
 * @param {string} path
 * @param {string} mine
 */
async function removeStale(path, mine) {
  const aside = `${mine}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return; // another taker was faster
  }
  await rm(aside, { force: true });
}
