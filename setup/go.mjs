// @ts-check
import { existsSync } from 'node:fs';
import { findOnPath, lastWords, run } from './command.mjs';
import { SetupError } from './failure.mjs';

/** From this version on Go fetches by itself the newer toolchain that a module asks for. */
const MIN_GO = /** @type {const} */ ([1, 21]);

/** Where the vendor's installer puts it; often not on the PATH. */
const USUAL_PLACE = '/usr/local/go/bin/go';

/**
 * A Go that can build the servers.
 * @param {{ env: NodeJS.ProcessEnv, wayOut: string, usualPlace?: string }} context `wayOut` is the way out without Go
 * @returns {Promise<string>}
 */
export async function requireGo({ env, wayOut, usualPlace = USUAL_PLACE }) {
  const go = findOnPath('go', env) ?? (existsSync(usualPlace) ? usualPlace : undefined);
  const remedy = `install Go ${MIN_GO.join('.')} or later (https://go.dev/dl/, or the package golang-go where it is new enough), or ${wayOut}`;
  if (go === undefined)
    throw new SetupError('Nothing could be downloaded and there is no Go to build from source', remedy);
  const { stdout } = await run(go, ['version'], { env: { ...env, GOTOOLCHAIN: 'local' } });
  if (isNewEnough(stdout)) return go;
  throw new SetupError(
    `Nothing could be downloaded, and ${go} is too old to build from source (${stdout.trim()})`,
    remedy,
  );
}

/**
 * @param {string} versionLine what `go version` prints
 */
export function isNewEnough(versionLine) {
  const [, major = '0', minor = '0'] = /\bgo(\d+)\.(\d+)/.exec(versionLine) ?? [];
  return Number(major) > MIN_GO[0] || (Number(major) === MIN_GO[0] && Number(minor) >= MIN_GO[1]);
}

/**
 * Runs one Go command. Static binaries (no cgo): they need no C compiler and outlive an upgrade of the system.
 * @param {string} go
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env: NodeJS.ProcessEnv, signal: AbortSignal }} context
 */
export async function runGo(go, args, { cwd, env, signal }) {
  const outcome = await run(go, args, {
    ...(cwd && { cwd }),
    signal,
    env: { ...env, GOTOOLCHAIN: 'auto', GOFLAGS: '-buildvcs=false', GOWORK: 'off', CGO_ENABLED: '0' },
  });
  if (outcome.code !== 0) throw new Error(`go ${args[0]} failed: ${lastWords(outcome)}`);
}
