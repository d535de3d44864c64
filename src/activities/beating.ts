import { AsyncLocalStorage } from 'node:async_hooks';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';

/** Workers throttle heartbeats themselves (src/workers); this only has to be at least as often as people look. */
const BEAT_MS = 1_000;
/**
 * No single request takes longer: an attempt ends after 65 s, of which a store gets seven (vault/retrying.ts), 8 minutes
 * in all, and EC2 five (platforms/ec2/clients.ts). What waits longer looks again and again, and each answer is progress.
 */
const STALL_MS = 10 * 60_000;

export interface Beat {
  /** Aborted by cancellation, by a lost heartbeat and by the worker's shutdown. Every call gets it. */
  readonly signal: AbortSignal;
  /** Says that work moved on; `details` is what `describe()` shows and what a retry may take as a hint. */
  progress(details?: unknown): void;
}

/** Of the activity whose code is running: a platform serves all activities of its worker, and is given no beat of one. */
const beats = new AsyncLocalStorage<Beat>();

/** For what a worker is made of and does not know the activity it works for. Without an activity nobody is told. */
export function reportProgress(): void {
  beats.getStore()?.progress();
}

/**
 * Runs an activity's work with heartbeats from a timer, so that one slow call still beats. Work without any progress for
 * `stallMs` stops beating: the server then gives the activity to another attempt.
 */
export async function beating<T>(work: (beat: Beat) => Promise<T>, stallMs = STALL_MS): Promise<T> {
  const signal = cancellationSignal();
  let details: unknown = activityInfo().heartbeatDetails;
  let lastProgress = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - lastProgress < stallMs) heartbeat(details);
  }, BEAT_MS);
  heartbeat(details);
  const beat: Beat = {
    signal,
    progress(next) {
      lastProgress = performance.now();
      if (next !== undefined) details = next;
    },
  };
  try {
    return await beats.run(beat, () => work(beat));
  } catch (error) {
    // Libraries answer an abort in their own words; the reason of the signal is what Temporal understands.
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    clearInterval(timer);
  }
}
