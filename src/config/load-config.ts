import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError } from '../errors.ts';
import { checkConfig } from './define-config.ts';
import type { Config } from './schema.ts';

/** In this order; the first that exists is the configuration. */
const FILE_NAMES = ['temporal.config.ts', 'temporal.config.js', 'temporal.config.mjs'] as const;

export interface ConfigSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly path: string;
}

/** The module that UNDERSTUDY_CONFIG names, else the working directory's `temporal.config.*`. */
export async function loadConfig(
  source: ConfigSource = { env: process.env, cwd: process.cwd() },
): Promise<LoadedConfig> {
  const path = await findConfig(source);
  const module = await importModule(path);
  if (!('default' in module)) {
    throw new ConfigurationError(
      'InvalidConfiguration',
      `${path} has no default export; write \`export default defineConfig({ … })\``,
    );
  }
  return { config: checkConfig(module.default, path), path };
}

async function findConfig({ env, cwd }: ConfigSource): Promise<string> {
  const named = env.UNDERSTUDY_CONFIG;
  if (named) {
    const path = resolve(cwd, named);
    if (await exists(path)) return path;
    throw new ConfigurationError('InvalidConfiguration', `UNDERSTUDY_CONFIG names ${path}, which does not exist`);
  }
  for (const name of FILE_NAMES) {
    const path = join(cwd, name);
    if (await exists(path)) return path;
  }
  throw new ConfigurationError(
    'InvalidConfiguration',
    `found no ${FILE_NAMES.join(', ')} in ${cwd}; go to the folder that has one or set UNDERSTUDY_CONFIG to its path`,
  );
}

async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    if (cause instanceof ConfigurationError)
      throw new ConfigurationError(cause.code, `${path}: ${cause.message}`, { cause });
    const hint =
      cause instanceof TypeError && 'code' in cause && cause.code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? `Node ${process.version} does not read TypeScript; use Node 24, or write temporal.config.mjs`
        : `importing it failed: ${cause instanceof Error ? cause.message : String(cause)}${placeOf(cause, path)}`;
    throw new ConfigurationError('InvalidConfiguration', `${path}: ${hint}`, { cause });
  }
}

/**
 * Of TypeScript the first line of the stack has the place, perhaps in a file that this one imports; of JavaScript Node only
 * prints it.
 */
function placeOf(cause: unknown, path: string): string {
  if (!(cause instanceof Error) || cause.name !== 'SyntaxError') return '';
  const [, place] = /^(?:file:\/\/)?(\/.*:\d+)\n/.exec(cause.stack ?? '') ?? [];
  return place === undefined ? `; \`node ${path}\` shows the line` : ` (${place})`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
