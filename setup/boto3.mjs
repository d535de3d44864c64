// @ts-check
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCached } from './cache.mjs';
import { lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

// The distribution's: a Python that is first on the PATH may be one of somebody's projects.
const PYTHON = '/usr/bin/python3';

/**
 * A Python that can import boto3: the one client of the tests that shares nothing with our codec.
 * @param {{ root: string, env: NodeJS.ProcessEnv, cacheDir: string, signal: AbortSignal, note: (text: string) => void }} context
 * @returns {Promise<{ path: string, version: string, cached: boolean }>}
 */
export async function ensureBoto3({ root, env, cacheDir, signal, note }) {
  const requirements = join(root, 'setup', 'boto3', 'requirements.txt');
  const pinned = await readFile(requirements, 'utf8');
  const version = /^boto3==(.+)$/m.exec(pinned)?.[1] ?? 'unknown';
  const python = (await run(PYTHON, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).stdout.trim();
  const digest = createHash('sha256').update(pinned).digest('hex').slice(0, 8);
  const { folder, cached } = await ensureCached({
    cacheDir,
    key: `boto3-${version}-python${python}-${digest}`,
    note,
    signal,
    make: async (unfinished) => {
      note(`boto3 ${version} from PyPI`);
      const inVenv = join(unfinished, 'bin', 'python');
      await must(PYTHON, ['-m', 'venv', unfinished]);
      await must(inVenv, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
      await must(inVenv, ['-c', 'import boto3']);
    },
  });
  // A virtual environment survives being moved if it is used through its python and not through its scripts.
  return { path: join(folder, 'bin', 'python'), version, cached };

  /**
   * @param {string} command
   * @param {readonly string[]} args
   */
  async function must(command, args) {
    const outcome = await run(command, args, { env, signal });
    if (outcome.code === 0) return;
    throw new SetupError(
      `boto3 could not be installed: ${lastWords(outcome)}`,
      `make "${PYTHON} -m venv" and "pip install boto3==${version}" work (pip honours PIP_INDEX_URL)`,
    );
  }
}
