import { setTimeout as pause } from 'node:timers/promises';

export interface WaitPlan {
  readonly limitMs: number;
  /** What is waited for, as the failure shall say it. */
  readonly what: string;
  /** What there was instead, read when the limit has passed. */
  readonly otherwise?: () => Promise<string>;
}

/** Asks until there is an answer other than undefined; a condition with a limit, never a fixed sleep. */
export async function waitFor<T>(
  ask: () => Promise<T | undefined>,
  { limitMs, what, otherwise }: WaitPlan,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) {
      const found = otherwise ? `; found:\n${(await otherwise()).slice(-3000)}` : '';
      throw new Error(`${what}: not within ${limitMs} ms${found}`);
    }
    await pause(50);
  }
}
