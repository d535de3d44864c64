import type { Clock } from '../../src/vault/clock.ts';
import { NOW } from './vault-fixture.ts';

/** A clock that a test moves; sleeping moves it too. */
export interface MovingClock extends Clock {
  advance(ms: number): void;
}

export const DAY_MS = 86_400_000;

export function movingClock(start: string = NOW): MovingClock {
  let at = new Date(start).getTime();
  const advance = (ms: number) => {
    at += ms;
  };
  return {
    now: () => new Date(at),
    advance,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      advance(ms);
    },
  };
}
