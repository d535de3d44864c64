// @ts-check
import { buildGuest, findGuest } from '../local/guest/build.mjs';
import { SetupError } from './failure.mjs';

/** @typedef {import('../local/guest/build.mjs').GuestImage} GuestImage */

/**
 * Builds the machines' image from this release's own packages, or takes the one that an earlier set-up built. The
 * packages are resolved for a build only: asking apt takes 10 s, and a newer minor version is no reason to wait for it.
 * @param {{ cacheDir: string, releaseName: string, note: (text: string) => void }} context
 * @returns {Promise<{ guest: GuestImage, cached: boolean }>}
 */
export async function ensureGuest({ cacheDir, releaseName, note }) {
  const found = await findGuest({ cacheDir });
  // A cache folder may outlive an upgrade of the system; the image then is of the old release.
  if (found?.versions.release === releaseName) return { guest: found, cached: true };
  try {
    return { guest: await buildGuest({ cacheDir, report: note }), cached: false };
  } catch (error) {
    throw new SetupError(
      error instanceof Error ? error.message.trim() : String(error),
      'make "apt-get update" and "apt-get download postgresql" work, then start again',
    );
  }
}
