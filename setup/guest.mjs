// @ts-check
import { join } from 'node:path';
import { buildGuest, findGuest } from '../local/guest/build.mjs';
import { SetupError } from './failure.mjs';
import { withLock } from './lock.mjs';

/** @typedef {import('../local/guest/build.mjs').GuestImage} GuestImage */

/**
 * Builds the machines' image from this release's own packages, or takes the one that an earlier set-up built. The
 * packages are resolved for a build only: asking apt takes 10 s, and a newer minor version is no reason to wait for it.
 * @param {{ cacheDir: string, releaseName: string, note: (text: string) => void, signal: AbortSignal }} context
 * @returns {Promise<{ guest: GuestImage, cached: boolean }>}
 */
export async function ensureGuest({ cacheDir, releaseName, note, signal }) {
  // A cache folder may outlive an upgrade of the system; the image then is of the old release.
  const findCurrent = async () => {
    const found = await findGuest({ cacheDir });
    return found?.versions.release === releaseName ? found : undefined;
  };
  const found = await findCurrent();
  if (found) return { guest: found, cached: true };
  const onWait = (/** @type {number} */ pid) => note(`waiting for another set-up (process ${pid}) that is building it`);
  const build = async () => {
    const built = await findCurrent();
    return built ? { guest: built, cached: true } : { guest: await buildOrExplain({ cacheDir, note }), cached: false };
  };
  return withLock(join(cacheDir, 'guest.lock'), build, { onWait, signal });
}

/**
 * @param {{ cacheDir: string, note: (text: string) => void }} context
 * @returns {Promise<GuestImage>}
 */
async function buildOrExplain({ cacheDir, note }) {
  try {
    return await buildGuest({ cacheDir, report: note });
  } catch (error) {
    throw new SetupError(
      error instanceof Error ? error.message.trim() : String(error),
      'make "apt-get update" and "apt-get download postgresql" work, then start again',
    );
  }
}
