import { UnderstudyError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { ObjectFacts, ObjectStore } from './object-store.ts';

/** 100 ms to 3.2 s, 6.3 s in all: rides out a SlowDown or a gateway's restart; what lasts longer is the caller's retry. */
export const RETRY_DELAYS_MS: readonly number[] = [100, 200, 400, 800, 1600, 3200];

export interface RetryPlan {
  readonly delaysMs: readonly number[];
  readonly clock: Clock;
}

/** Repeats what the port calls repeatable; the last attempt's error is the caller's. */
export function retrying(store: ObjectStore, { delaysMs, clock }: RetryPlan): ObjectStore {
  async function repeat<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const delayMs of delaysMs) {
      try {
        return await attempt();
      } catch (error) {
        if (!mayPass(error)) throw error;
      }
      await clock.sleep(delayMs, signal);
    }
    return attempt();
  }
  /** Listings go on after the last key that arrived: keys come in order, each once. */
  async function* list(prefix: string, signal: AbortSignal): AsyncIterable<ObjectFacts> {
    let last = '';
    for (let attempt = 0; ; attempt++) {
      try {
        for await (const facts of store.list(prefix, signal)) {
          if (facts.key <= last) continue;
          last = facts.key;
          yield facts;
        }
        return;
      } catch (error) {
        const delayMs = delaysMs[attempt];
        if (delayMs === undefined || !mayPass(error)) throw error;
        await clock.sleep(delayMs, signal);
      }
    }
  }
  return {
    url: store.url,
    create: (key, body, signal, options) => repeat(() => store.create(key, body, signal, options), signal),
    get: (key, signal, part) => repeat(() => store.get(key, signal, part), signal),
    head: (key, signal) => repeat(() => store.head(key, signal), signal),
    list,
    retain: (key, retention, signal) => repeat(() => store.retain(key, retention, signal), signal),
    retentionOf: (key, signal) => repeat(() => store.retentionOf(key, signal), signal),
    placeHold: (key, signal) => repeat(() => store.placeHold(key, signal), signal),
    releaseHold: (key, signal) => repeat(() => store.releaseHold(key, signal), signal),
    remove: (key, signal) => repeat(() => store.remove(key, signal), signal),
  };
}

/** Cancellation and bugs are not ours to repeat. */
function mayPass(error: unknown): boolean {
  return error instanceof UnderstudyError && error.status !== 'permanent';
}
