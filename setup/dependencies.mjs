// @ts-check
import { createHash } from 'node:crypto';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

/** The project's TypeScript is run by Node itself, which strips types from this version on without a flag. */
const NODE_MAJOR = 24;

/** In node_modules, so that it goes when they go. */
const MARKER = '.understudy-lock';

/** @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }} LockedPackage */

/**
 * Installs the npm packages when package-lock.json says something else than what is installed.
 * @param {{ root: string, env: NodeJS.ProcessEnv, signal: AbortSignal, note: (text: string) => void }} context
 * @returns {Promise<boolean>} whether anything was installed
 */
export async function ensureDependencies({ root, env, signal, note }) {
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
  const modules = join(root, 'node_modules');
  const marker = join(modules, MARKER);
  const hash = createHash('sha256').update(lock).digest('hex');
  if ((await readText(marker)) === hash) return false;
  const installs = mustInstall(lock, await readText(join(modules, '.package-lock.json')));
  if (installs) {
    note('npm ci (package-lock.json changed since the last set-up)');
    const outcome = await run('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: root,
      signal,
      env: outsideEnv(root, env),
    });
    if (outcome.code !== 0)
      throw new SetupError(`npm ci failed: ${lastWords(outcome)}`, `make "npm ci" work in ${root}`);
  }
  await writeFile(marker, hash);
  return installs;
}

/**
 * Whether the installed packages (npm's own record of them, node_modules/.package-lock.json) differ from the lock file.
 * After `npm install` they do not, and a second installation would only cost time.
 * @param {string} lockText
 * @param {string | undefined} installedText
 */
export function mustInstall(lockText, installedText) {
  if (installedText === undefined) return true;
  const locked = packagesOf(lockText);
  const installed = packagesOf(installedText);
  for (const [path, { version, optional, devOptional, peer }] of Object.entries(locked)) {
    if (path === '') continue; // the project itself
    const found = installed[path];
    // What is optional may be absent, being made for another platform; what is there must be of the locked version.
    if (found ? found.version !== version : !(optional || devOptional || peer)) return true;
  }
  return Object.keys(installed).some((path) => locked[path] === undefined);
}

/**
 * @param {string} text
 * @returns {Record<string, LockedPackage>}
 */
function packagesOf(text) {
  try {
    return JSON.parse(text).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * The Node that runs the project: this one if it is new enough, else the one that npm installed as a dependency.
 * @param {{ root: string, env: NodeJS.ProcessEnv, signal: AbortSignal }} context
 * @returns {Promise<{ path: string, version: string }>}
 */
export async function requireNode({ root, env, signal }) {
  if (majorOf(process.version) >= NODE_MAJOR)
    return { path: await realpath(process.execPath), version: process.version };
  const path = join(root, 'node_modules', '.bin', 'node');
  const first = await versionOf(path);
  if (majorOf(first) >= NODE_MAJOR) return { path: await realpath(path), version: first };
  // The package fetches its binary in an install script, which npm may have been told not to run.
  await run('npm', ['rebuild', 'node', '--ignore-scripts=false'], { cwd: root, signal, env: outsideEnv(root, env) });
  const second = await versionOf(path);
  if (majorOf(second) >= NODE_MAJOR) return { path: await realpath(path), version: second };
  throw new SetupError(
    `This is Node ${process.version}, and the Node ${NODE_MAJOR} that npm should have installed says "${second}"`,
    `install Node ${NODE_MAJOR}, or let npm run install scripts (npm config set ignore-scripts false) and delete node_modules`,
  );
}

/** @param {string} path */
async function versionOf(path) {
  const { stdout, stderr } = await run(path, ['--version'], { timeoutMs: 10_000 });
  return stdout.trim() || stderr.trim();
}

/** @param {string} version */
function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}

/**
 * npm puts node_modules/.bin in front of the PATH of its scripts; `npm ci` must not run on the Node that it deletes.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export function outsideEnv(root, env) {
  const inside = join(root, 'node_modules');
  const path = (env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(inside));
  return { ...env, PATH: path.join(delimiter) };
}

/** @param {string} path */
async function readText(path) {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
