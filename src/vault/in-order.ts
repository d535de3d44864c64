/** One piece of work; the signal ends it when its result is no longer wanted. */
export type Task<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Runs up to `depth` tasks at once and yields their results in the order of the tasks. The first failure, or leaving the
 * loop, aborts the others and waits until they have settled: nothing goes on behind the caller's back.
 */
export async function* inOrder<T>(
  tasks: AsyncIterable<Task<T>> | Iterable<Task<T>>,
  { depth, signal }: { readonly depth: number; readonly signal: AbortSignal },
): AsyncGenerator<T> {
  const ours = new AbortController();
  const either = AbortSignal.any([signal, ours.signal]);
  const underWay: Promise<T>[] = [];
  try {
    for await (const task of tasks) {
      signal.throwIfAborted();
      underWay.push(started(task, either));
      const oldest = underWay.length >= depth ? underWay.shift() : undefined;
      if (oldest) yield await oldest;
    }
    for (let next = underWay.shift(); next; next = underWay.shift()) yield await next;
  } finally {
    ours.abort();
    await Promise.allSettled(underWay);
  }
}

/** A failure is reported when its turn comes; until then it must not count as unhandled. */
function started<T>(task: Task<T>, signal: AbortSignal): Promise<T> {
  const result = task(signal);
  result.catch(() => {});
  return result;
}
