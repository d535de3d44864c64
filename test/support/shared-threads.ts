import { createThreads, type Threads } from '../../src/vault/threads.ts';

let made: Threads | undefined;

/**
 * One set for all vaults that a process opens in its tests, which are hundreds: to start two threads and to fill their
 * buffers with zeros costs half a second of processor time. Closing a vault leaves them; idle they keep no process alive.
 */
export function sharedThreads(): Threads {
  made ??= { ...createThreads(), close: async () => undefined };
  return made;
}
