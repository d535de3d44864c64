import { setTimeout as sleep } from 'node:timers/promises';

interface Wait {
  /** For the message: "PostgreSQL of i-… answers". */
  readonly what: string;
  readonly limitMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Asks until the answer is there. A rejection counts as "not yet"; the last one is the cause when the limit is over. */
export async function waitUntil<T>(
  look: () => Promise<T | undefined>,
  { what, limitMs, everyMs = 200, signal }: Wait,
): Promise<T> {
  const giveUpAt = Date.now() + limitMs;
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > giveUpAt) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`waited ${limitMs / 1000} s in vain until ${what}${why}`, { cause });
    }
    await sleep(everyMs, undefined, signal && { signal });
  }
}
