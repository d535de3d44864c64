import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';

/** Workers throttle heartbeats themselves (src/workers); this only has to be at least as often as people look. */
const BEAT_MS = 1_000;
/** No single call of a platform or a store takes longer: their own limits are below 5 minutes, retries included. */
const STALL_MS = 10 * 60_000;

export interface Beat {
  /** Aborted by cancellation, by a lost heartbeat and by the worker's shutdown. Every call gets it. */
  readonly signal: AbortSignal;
  /** Says that work moved on; `details` is what `describe()` shows and what a retry may take as a hint. */
  progress(details?: unknown): void;
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
  try {
    return await work({
      signal,
      progress(next) {
        lastProgress = performance.now();
        if (next !== undefined) details = next;
      },
    });
  } catch (error) {
    // Libraries answer an abort in their own words; the reason of the signal is what Temporal understands.
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    clearInterval(timer);
  }
}
