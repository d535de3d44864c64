import type { Ec2Context } from './context.ts';
import { translate } from './errors.ts';

/** EC2 describes what it made "within seconds" (EC2 API, "Eventual consistency"); later than this is the sweeper's business. */
export const SHOWS_WITHIN_MS = 2_000;
/** For whoever cannot go on without it: EC2 names no limit, and advises to look again for minutes (same place). */
export const MUST_SHOW_WITHIN_MS = 2 * 60_000;

const NEVER = new AbortController().signal;

/**
 * Sends a request that makes something. Cancellation waits for the answer, and until the thing shows: a request that is
 * broken off on its way may still succeed, and clean-up would look before there is anything to see. The clients' own
 * limits end a request that hangs.
 */
export async function make<T>(
  { sleep }: Pick<Ec2Context, 'sleep'>,
  attempted: string,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  try {
    return await send();
  } catch (error) {
    throw translate(error, attempted);
  } finally {
    if (signal.aborted) await sleep(SHOWS_WITHIN_MS, NEVER);
  }
}
