// @ts-check
import { readdir } from 'node:fs/promises';
import { findOnPath, lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

/** @typedef {{ env: NodeJS.ProcessEnv, note: (text: string) => void }} AptContext */

// dpkg-query's own placeholders.
const DPKG_FORMAT = `\${Package} \${db:Status-Abbrev}\\n`;

// Another apt (unattended upgrades, a second set-up) may hold the lock: wait for it as long as a cold set-up may take.
const WAIT_FOR_APT = ['-o', 'DPkg::Lock::Timeout=600'];

/**
 * Installs what is missing of the packages and says which that were. Nothing is asked of the system when all are there.
 * @param {readonly string[]} wanted
 * @param {AptContext} context
 * @returns {Promise<string[]>}
 */
export async function ensurePackages(wanted, context) {
  const status = await run('dpkg-query', ['--show', `--showformat=${DPKG_FORMAT}`, ...wanted]);
  const missing = missingPackages(wanted, status.stdout);
  if (missing.length === 0) return [];
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  const become = await mayInstall(install, context);
  context.note(`installing ${missing.join(' ')}`);
  const apt = aptRunner(become, context);
  if (await hasNoPackageLists()) await apt(['update']);
  let outcome = await apt(install.slice(1));
  if (outcome.code !== 0) {
    // The lists may be older than the archive, which then no longer has the files that they name.
    await apt(['update']);
    outcome = await apt(install.slice(1));
  }
  if (outcome.code !== 0) {
    throw new SetupError(
      `Installing ${missing.join(' ')} failed: ${lastWords(outcome)}`,
      `make this command work, then start again: ${[...become, ...install].join(' ')}`,
    );
  }
  return missing;
}

/**
 * What dpkg does not list as installed ("ii", or "hi" for a package that somebody holds back).
 * @param {readonly string[]} wanted
 * @param {string} dpkgOutput lines of `name status`
 */
export function missingPackages(wanted, dpkgOutput) {
  const installed = new Set(
    dpkgOutput
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, state]) => state === 'ii' || state === 'hi')
      .map(([name]) => name),
  );
  return wanted.filter((name) => !installed.has(name));
}

/**
 * What to put in front of apt-get: nothing for root, sudo where it asks for no password; otherwise a person must do it.
 * @param {readonly string[]} install
 * @param {AptContext} context
 * @returns {Promise<string[]>}
 */
async function mayInstall(install, { env }) {
  if (process.getuid?.() === 0) return [];
  if (findOnPath('sudo', env) && (await run('sudo', ['-n', 'true'])).code === 0) return ['sudo', '-n'];
  throw new SetupError(
    'Packages are missing, and this user is neither root nor may use sudo without a password',
    `type this, then start again: sudo apt-get update && sudo ${install.join(' ')}`,
  );
}

/**
 * No signal is passed on: apt killed half-way leaves packages that a person has to repair.
 * @param {readonly string[]} become
 * @param {AptContext} context
 */
function aptRunner(become, { env }) {
  /** @param {readonly string[]} args */
  return (args) => {
    const line = [...become, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...WAIT_FOR_APT, ...args];
    const [command = 'env', ...rest] = line;
    return run(command, rest, { env });
  };
}

/** Fresh images come without lists: the first install would name every package as unknown. */
async function hasNoPackageLists() {
  try {
    const names = await readdir('/var/lib/apt/lists');
    return !names.some((name) => name.includes('_Packages'));
  } catch {
    return true;
  }
}
