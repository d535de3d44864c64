import type { ConfiguredRecipe, IsolationProfile } from '../contract/resolved-backup.ts';
import { ConfigurationError } from '../errors.ts';
import { paramsOf } from './recipes.ts';
import type { Config } from './schema.ts';

/** The vault that a request means: named, else the default, else the only one. */
export function resolveVault(config: Config, named: string | undefined): string {
  return resolveName(config, 'vaults', 'vault', named ?? config.defaults.vault);
}

export function resolveIsolation(config: Config, named: string | undefined): IsolationProfile {
  const name = resolveName(config, 'isolation', 'isolation', named ?? config.defaults.isolation);
  const { kmsKeyId, ...profile } = ofName(config.isolation, name);
  return { name, ...profile, ...(kmsKeyId !== undefined && { kmsKeyId }) };
}

/** Every configured recipe, or the named ones with their parameters. */
export function resolveRecipes(config: Config, named: readonly string[] | undefined): readonly ConfiguredRecipe[] {
  return (named ?? Object.keys(config.recipes)).map((name) => {
    const entry = config.recipes[name];
    if (entry === undefined) throw unknownName('recipes', name, Object.keys(config.recipes));
    return { name, params: paramsOf(entry) };
  });
}

function resolveName(config: Config, table: 'vaults' | 'isolation', field: string, name: string | undefined): string {
  const known = Object.keys(config[table]);
  if (name === undefined) {
    const [only, ...others] = known;
    if (only !== undefined && others.length === 0) return only;
    throw new ConfigurationError(
      'InvalidInput',
      `${field}: the configuration defines ${known.join(', ')} and no default; name one in the request or set defaults.${field}`,
    );
  }
  if (!known.includes(name)) throw unknownName(field, name, known);
  return name;
}

function unknownName(field: string, name: string, known: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    'UnknownName',
    `${field}: "${name}" is not in this worker's configuration (defined: ${known.join(', ') || 'none'})`,
  );
}

function ofName<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = table[name];
  if (found === undefined) throw unknownName('isolation', name, Object.keys(table));
  return found;
}
