import type { Client } from '@temporalio/client';

/** What `ask` asks of the server is given up when the signal is aborted, with the signal's reason. */
export async function askUntil<T>(client: Client, signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
  if (!signal) return ask();
  signal.throwIfAborted();
  // One of its own: Temporal's client listens for every call and never stops, and a run is looked at for hours.
  const own = new AbortController();
  const abort = () => own.abort();
  signal.addEventListener('abort', abort);
  try {
    return await client.withAbortSignal(own.signal, ask);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
