import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';

interface Waiting {
  readonly limitMs: number;
  readonly what: string;
}

// From a fifth of a second, as small things are done at once, to 5 s: describes are a shared resource. Beginning with half a
// second would spare three calls of any wait of more than 10 s.
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** Asks until there is an answer; NotReadyYet after the limit. */
export async function repeatUntil<T>(
  { clock, sleep, onLook }: Ec2Context,
  { limitMs, what }: Waiting,
  signal: AbortSignal,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const endsAt = clock().getTime() + limitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    const answer = await ask();
    onLook?.();
    if (answer !== undefined) return answer;
    if (clock().getTime() >= endsAt) {
      throw new PlatformError(
        'NotReadyYet',
        `Waited ${Math.round(limitMs / 1000)} s for ${what}. Look at it in the EC2 console.`,
      );
    }
    await sleep(pauseMs, signal);
  }
}
