import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';

/** Time is injected, so tests decide it. */
export interface Clock {
  now(): Date;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Cryptographically strong random bytes; injected so that a golden vault can be made twice. */
export type RandomBytes = (bytes: number) => Uint8Array;

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => wait(ms, undefined, { signal }),
};

export const systemRandomBytes: RandomBytes = (bytes) => randomBytes(bytes);
