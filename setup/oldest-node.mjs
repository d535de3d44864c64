// @ts-check
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCached } from './cache.mjs';
import { lastWords, run } from './command.mjs';
import { outsideEnv } from './dependencies.mjs';
import { SetupError } from './failure.mjs';

/** The last of the oldest line that the package's main export supports. */
const VERSION = '20.20.2';

/**
 * The oldest Node that a service may use the client on: a test starts a backup with it from the packed package.
 * @param {{ root: string, env: NodeJS.ProcessEnv, cacheDir: string, signal: AbortSignal, note: (text: string) => void }} context
 * @returns {Promise<{ path: string, version: string, cached: boolean }>}
 */
export async function ensureOldestNode({ root, env, cacheDir, signal, note }) {
  if (process.version === `v${VERSION}`) return { path: process.execPath, version: VERSION, cached: true };
  const { folder, cached } = await ensureCached({
    cacheDir,
    key: `node-${VERSION}`,
    note,
    signal,
    make: async (unfinished) => {
      note(`Node ${VERSION} from the npm registry`);
      await writeFile(
        join(unfinished, 'package.json'),
        JSON.stringify({ private: true, allowScripts: { node: true } }),
      );
      const install = ['install', '--no-save', '--ignore-scripts=false', '--no-audit', '--no-fund', `node@${VERSION}`];
      const outcome = await run('npm', install, { cwd: unfinished, env: outsideEnv(root, env), signal });
      const check = await run(binaryIn(unfinished), ['--version']);
      if (check.stdout.trim() === `v${VERSION}`) return;
      throw new SetupError(
        `Node ${VERSION} could not be installed: ${lastWords(outcome)}`,
        `make "npm install node@${VERSION}" work`,
      );
    },
  });
  return { path: binaryIn(folder), version: VERSION, cached };
}

/** @param {string} folder */
function binaryIn(folder) {
  return join(folder, 'node_modules', 'node', 'bin', 'node');
}
