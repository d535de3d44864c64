import type { BackupProgress } from '../contract/progress.ts';
import type { CliDeps, WatchedRun } from './deps.ts';

// Mover heartbeats are throttled to 1 s (workers/mover.ts): looking more often shows nothing new.
const LOOK_EVERY_MS = 1000;

/** How watching ended: the run's own end, or Ctrl-C, which leaves the run going. */
export type Watched<R> =
  | { readonly ended: 'result'; readonly result: R; readonly last: BackupProgress | undefined }
  | { readonly ended: 'failure'; readonly error: unknown; readonly last: BackupProgress | undefined }
  | { readonly ended: 'stopped-watching'; readonly last: BackupProgress | undefined };

export interface ProgressSink {
  show(progress: BackupProgress): void;
  /** Progress cannot be read now; the run may go on all the same. */
  unavailable(error: unknown): void;
  /** The last state stays on the screen. */
  end(): void;
}

/** Shows progress until the run ends or the person stops watching. */
export async function watchRun<R>(
  run: WatchedRun<R>,
  { sleep, signal }: Pick<CliDeps, 'sleep' | 'signal'>,
  sink: ProgressSink,
): Promise<Watched<R>> {
  let last: BackupProgress | undefined;
  const look = async (over: AbortSignal) => {
    try {
      last = await run.progress(over);
      sink.show(last);
    } catch (error) {
      if (!over.aborted) sink.unavailable(error);
    }
  };
  const stop = new AbortController();
  const watching = AbortSignal.any([signal, stop.signal]);
  const stopped = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped');
    signal.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  const end = settle(run.result(signal));
  const looking = lookUntil(watching, look, sleep);
  const outcome = await Promise.race([end, stopped]);
  stop.abort();
  await looking;
  // Whoever watched closes the connection next: a call that is still open would keep the process, and be sent again on a
  // closed one.
  if (outcome === 'stopped') await end;
  else await look(signal);
  sink.end();
  return outcome === 'stopped' ? { ended: 'stopped-watching', last } : { ...outcome, last };
}

async function lookUntil(
  over: AbortSignal,
  look: (over: AbortSignal) => Promise<void>,
  sleep: CliDeps['sleep'],
): Promise<void> {
  while (!over.aborted) {
    await look(over);
    await sleep(LOOK_EVERY_MS, over).catch(() => undefined); // aborted: the loop's condition ends it
  }
}

function settle<R>(
  promise: Promise<R>,
): Promise<{ ended: 'result'; result: R } | { ended: 'failure'; error: unknown }> {
  return promise.then(
    (result) => ({ ended: 'result', result }),
    (error: unknown) => ({ ended: 'failure', error }),
  );
}
