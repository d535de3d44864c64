import { once } from 'node:events';
import type { Output } from './deps.ts';

/** Waits while the reader of a pipe is slower than the vault: memory stays small. */
export async function writeBytes(output: Output, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (output.write(bytes) === false && isStream(output)) await once(output, 'drain', { signal });
}

function isStream(output: Output): output is Output & NodeJS.WritableStream {
  return 'once' in output;
}
