import { Redis } from 'ioredis';
import { waitFor } from './wait-for.ts';

/** A file that production has written and made durable; by production's own clock, in milliseconds. */
export interface DurableFile {
  readonly startedAt: number;
  readonly durableAt: number;
}

export interface LastSecond {
  /** Newest last. */
  readonly written: readonly DurableFile[];
  /** Production's clock less this host's. */
  readonly clockAheadMs: number;
  stop(): Promise<void>;
}

/**
 * Has Redis write its base file anew, one after the other: a new name, its content and its folder synced. The clone does
 * not write it again, so what a point holds of it is production's.
 */
export async function keepWriting(address: { readonly host: string; readonly port: number }): Promise<LastSecond> {
  const redis = new Redis({ ...address, maxRetriesPerRequest: 1 });
  const now = async () => {
    const [seconds = 0, micros = 0] = await redis.time();
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  };
  // The machine keeps house once a second, and only then would it see that a rewrite is done.
  const [, usualHz = '1'] = (await redis.config('GET', 'hz')) as string[];
  await redis.config('SET', 'hz', '50');
  const written: DurableFile[] = [];
  let isOver = false;
  const clockAheadMs = (await now()) - Date.now();
  async function writeOnce(): Promise<void> {
    const startedAt = await now();
    await redis.bgrewriteaof();
    const isDone = async () => (/aof_rewrite_in_progress:0/.test(await redis.info('persistence')) ? true : undefined);
    await waitFor(isDone, { limitMs: 60_000, what: 'the rewrite of the append-only file' });
    written.push({ startedAt, durableAt: await now() });
  }
  await writeOnce(); // whoever captures at once finds one
  const writing = (async () => {
    while (!isOver) await writeOnce();
  })();
  return {
    written,
    clockAheadMs,
    async stop() {
      isOver = true;
      await writing;
      await redis.config('SET', 'hz', usualHz);
      redis.disconnect();
    },
  };
}
