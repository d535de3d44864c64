// @ts-check
import { join } from 'node:path';
import { lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

/**
 * The machine that reads XFS and others (src/appliance), made now so that its first use waits for no download.
 * @param {{ root: string, cacheDir: string, node: string, signal: AbortSignal, note: (text: string) => void }} context `node` runs TypeScript
 * @returns {Promise<boolean>} whether it was there
 */
export async function ensureReader({ root, cacheDir, node, signal }) {
  const outcome = await run(node, [join(root, 'setup', 'prepare-reader.ts'), cacheDir], { signal });
  signal.throwIfAborted();
  if (outcome.code === 0) return outcome.stdout.trim() === 'cached';
  throw new SetupError(
    `The reader of other file systems could not be made: ${lastWords(outcome)}`,
    'make "apt-get update" and "apt-get download linux-image-cloud-amd64" work, then start again',
  );
}
