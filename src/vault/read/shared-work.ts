/** Work that several wait for ended because the one who had begun it no longer wanted it. */
class Abandoned extends Error {}

/** Marks work that others may come to share: when it ends with its beginner's signal, that is not the others' failure. */
export async function begun<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw signal.aborted ? new Abandoned('begun by somebody who gave up', { cause }) : cause;
  }
}

/** Waits for shared work, and begins anew where its beginner gave up. The signal ends the waiting, not the work. */
export async function shared<T>(beginOrJoin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await abortable(beginOrJoin(), signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof Abandoned)) throw error;
    }
  }
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
