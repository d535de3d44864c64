// @ts-check
import { join } from 'node:path';
import { ensureCached } from './cache.mjs';
import { findOnPath, isExecutable, lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Ubuntu's chromium is a snap, which does not start in containers; there playwright brings its own. */
const KEY = 'chromium-by-playwright';

/**
 * A Chromium for the tests that look at the report and at the Temporal UI.
 * @param {{ root: string, env: NodeJS.ProcessEnv, cacheDir: string, signal: AbortSignal, note: (text: string) => void }} context
 * @returns {Promise<{ path: string, cached: boolean }>}
 */
export async function findBrowser({ root, env, cacheDir, signal, note }) {
  const named = env.CHROMIUM_PATH;
  if (named && !isExecutable(named)) {
    throw new SetupError(`CHROMIUM_PATH names ${named}, which is no program`, 'correct CHROMIUM_PATH or unset it');
  }
  const installed = named || NAMES.map((name) => findOnPath(name, env)).find((path) => path !== undefined);
  if (installed) return { path: installed, cached: true };
  const { folder, cached } = await ensureCached({
    cacheDir,
    key: KEY,
    note,
    signal,
    make: async (unfinished) => {
      note('Chromium by playwright');
      const install = [
        join(root, 'node_modules', 'playwright-core', 'cli.js'),
        'install',
        '--with-deps',
        '--only-shell',
        'chromium',
      ];
      const outcome = await run(process.execPath, install, {
        env: { ...env, PLAYWRIGHT_BROWSERS_PATH: unfinished },
        signal,
      });
      if (outcome.code === 0) return;
      throw new SetupError(
        `Chromium could not be installed: ${lastWords(outcome)}`,
        'install a Chromium or Chrome and set CHROMIUM_PATH to it',
      );
    },
  });
  const found = await run('find', [
    folder,
    '-type',
    'f',
    '(',
    '-name',
    'headless_shell',
    '-o',
    '-name',
    'chrome-headless-shell',
    ')',
  ]);
  const path = found.stdout.trim().split('\n')[0];
  if (path) return { path, cached };
  throw new SetupError(`There is no Chromium in ${folder}`, `delete ${folder} and start again, or set CHROMIUM_PATH`);
}
