// @ts-check
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * What can be made again and is kept for this user: built programs, images, verdicts. The set-up and the product share it.
 * @param {NodeJS.ProcessEnv} env
 */
export function cacheFolder(env) {
  const base = env.XDG_CACHE_HOME;
  // The XDG base directory specification: a relative path is to be ignored.
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), '.cache'), 'understudy');
}
