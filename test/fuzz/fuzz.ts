import { Random } from './random.ts';
import type { FuzzTarget } from './targets.ts';

export interface FuzzRun {
  readonly name: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly slowestMs: number;
}

/** A bug, with all that repeats it. */
export class FuzzFailure extends Error {
  constructor(
    target: FuzzTarget,
    { seed, at, input }: { seed: string; at: number; input: Uint8Array },
    cause: unknown,
  ) {
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    super(
      `${target.name}, seed ${seed}, input ${at}: ${why}\n` +
        `repeat: npm run fuzz -- --seed ${seed} --only '${target.name}' --inputs ${at + 1}\n` +
        `input (base64): ${Buffer.from(input).toString('base64').slice(0, 8000)}`,
      { cause },
    );
    this.name = 'FuzzFailure';
  }
}

/** Each target draws from a stream of its own, so that one alone repeats what it did among all. */
export async function fuzz(target: FuzzTarget, { seed, inputs, until }: FuzzLimits): Promise<FuzzRun> {
  const random = new Random(`${seed} ${target.name}`);
  let accepted = 0;
  let slowestMs = 0;
  let at = 0;
  for (; at < inputs && performance.now() < until; at++) {
    const input = target.input(random);
    const started = performance.now();
    try {
      if (await target.accepts(input)) accepted++;
    } catch (error) {
      throw new FuzzFailure(target, { seed, at, input }, error);
    }
    slowestMs = Math.max(slowestMs, performance.now() - started);
  }
  return { name: target.name, inputs: at, accepted, slowestMs };
}

export interface FuzzLimits {
  readonly seed: string;
  readonly inputs: number;
  /** By performance.now(). */
  readonly until: number;
}
