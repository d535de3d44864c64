// @ts-check
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCached } from './cache.mjs';
import { findOnPath, isExecutable, run } from './command.mjs';
import { downloadProgram } from './download.mjs';
import { SetupError } from './failure.mjs';

/**
 * A server program and every way to come by it.
 * @typedef {object} Program
 * @property {string} command its name on the PATH and in the cache
 * @property {string} variable the environment variable that names one
 * @property {string} minVersion the oldest that works; an older one on the PATH is passed over
 * @property {(versionOutput: string) => string | undefined} parseVersion what `--version` prints, to a version
 * @property {string} key folder in the cache: changes with the pinned version
 * @property {import('./download.mjs').Archive} archive the vendor's download of the pinned version
 * @property {readonly Build[]} builds tried in order
 *
 * @typedef {{ title: string, lasts: string, run: (folder: string) => Promise<void> }} Build makes `<folder>/<command>`
 *
 * @typedef {{ path: string, version: string, source: string, cached: boolean }} FoundProgram
 * @typedef {{ env: NodeJS.ProcessEnv, cacheDir: string, signal: AbortSignal, note: (text: string) => void }} ProgramContext
 */

/**
 * Finds or makes a program. Order: the environment variable, PATH, what an earlier set-up kept, the vendor's download,
 * a build from pinned source.
 * @param {Program} program
 * @param {ProgramContext} context
 * @returns {Promise<FoundProgram>}
 */
export async function findProgram(program, context) {
  return (
    (await fromVariable(program, context)) ?? (await fromPath(program, context)) ?? (await fromCache(program, context))
  );
}

/**
 * A variable that names something unusable is an error: whoever set it would not expect another program to be taken.
 * @param {Program} program
 * @param {ProgramContext} context
 * @returns {Promise<FoundProgram | undefined>}
 */
async function fromVariable(program, { env }) {
  const path = env[program.variable];
  if (!path) return undefined;
  const version = isExecutable(path) ? await versionOf(program, path) : undefined;
  if (version !== undefined) return { path, version, source: program.variable, cached: true };
  throw new SetupError(
    `${program.variable} names ${path}, which does not run as ${program.command}`,
    `correct ${program.variable} or unset it`,
  );
}

/**
 * @param {Program} program
 * @param {ProgramContext} context
 * @returns {Promise<FoundProgram | undefined>}
 */
async function fromPath(program, { env, note }) {
  const path = findOnPath(program.command, env);
  if (path === undefined) return undefined;
  const version = await versionOf(program, path);
  if (version !== undefined && isAtLeast(version, program.minVersion))
    return { path, version, source: 'PATH', cached: true };
  note(`${path} is ${version ?? 'of unknown version'}, older than ${program.minVersion}: not used`);
  return undefined;
}

/**
 * @param {Program} program
 * @param {ProgramContext} context
 * @returns {Promise<FoundProgram>}
 */
async function fromCache(program, { cacheDir, signal, note }) {
  const { folder, cached } = await ensureCached({
    cacheDir,
    key: program.key,
    note,
    signal,
    make: async (unfinished) => {
      const source = await make(program, unfinished, { signal, note });
      const version = await versionOf(program, join(unfinished, program.command));
      if (version === undefined)
        throw new SetupError(`${program.command} was made but does not run`, remedyFor(program));
      await writeFile(join(unfinished, 'made.json'), JSON.stringify({ version, source }));
    },
  });
  const { version, source } = JSON.parse(await readFile(join(folder, 'made.json'), 'utf8'));
  return { path: join(folder, program.command), version, source, cached };
}

/**
 * @param {Program} program
 * @param {string} folder
 * @param {{ signal: AbortSignal, note: (text: string) => void }} context
 * @returns {Promise<string>} where it came from
 */
async function make(program, folder, { signal, note }) {
  /** @type {string[]} */
  const failures = [];
  const ways = [
    {
      title: 'downloaded from the vendor',
      lasts: '10 s to the first byte',
      run: () => downloadProgram(program.archive, folder, signal),
    },
    ...program.builds,
  ];
  for (const { title, lasts, run } of ways) {
    note(`${title} (${lasts})`);
    try {
      await run(folder);
      if (existsSync(join(folder, program.command))) return title;
      failures.push(`${title}: no ${program.command} in it`);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SetupError) throw error; // already says what to do
      failures.push(`${title}: ${error instanceof Error ? error.message : error}`);
      note(failures.at(-1) ?? '');
    }
  }
  throw new SetupError(`${program.command} could not be had (${failures.join('; ')})`, remedyFor(program));
}

/** @param {Program} program */
function remedyFor({ variable, command, minVersion }) {
  return `install ${command} ${minVersion} or later yourself and set ${variable} to its path`;
}

/**
 * @param {Program} program
 * @param {string} path
 */
async function versionOf({ parseVersion }, path) {
  const { stdout, stderr } = await run(path, ['--version'], { timeoutMs: 20_000 });
  return parseVersion(`${stdout}\n${stderr}`);
}

/**
 * @param {string} version
 * @param {string} minimum
 */
export function isAtLeast(version, minimum) {
  const [have, need] = [version, minimum].map((text) => text.split('.').map(Number));
  for (const [index, wanted] of (need ?? []).entries()) {
    const found = have?.[index] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}
