import { recipeParams } from '../contract/recipe-params.ts';
import type { ConfiguredRecipe, IsolationProfile } from '../contract/resolved-backup.ts';
import type { RestoreNetwork, RestorePlace, RestoreProfile } from '../contract/resolved-restore.ts';
import type { RestoreTarget } from '../contract/restore-request.ts';
import { ConfigurationError } from '../errors.ts';
import type { Config } from './schema.ts';

/** The vault that a request means: named, else the default, else the only one. */
export function resolveVault(config: Config, named: string | undefined): string {
  return resolveName(config, 'vaults', 'vault', named ?? config.defaults.vault);
}

export function resolveIsolation(config: Config, named: string | undefined): IsolationProfile {
  const name = resolveName(config, 'isolation', 'isolation', named ?? config.defaults.isolation);
  const { kmsKeyId, instanceProfile, ...profile } = ofName(config.isolation, name);
  return {
    name,
    ...profile,
    ...(instanceProfile !== undefined && { instanceProfile }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
  };
}

/** Every configured recipe, or the named ones with their parameters. */
export function resolveRecipes(config: Config, named: readonly string[] | undefined): readonly ConfiguredRecipe[] {
  return (named ?? Object.keys(config.recipes)).map((name) => {
    const entry = ownEntry(config.recipes, name);
    if (entry === undefined) throw unknownName('recipes', name, Object.keys(config.recipes));
    return { name, params: recipeParams(entry) };
  });
}

/** The isolated network, unless a profile of `restores` is named. */
export function resolvePlace(
  config: Config,
  { to, isolation, into }: { readonly to: RestoreTarget; readonly isolation?: string; readonly into?: string },
): RestorePlace {
  if (into === undefined) return { kind: 'isolated', isolation: resolveIsolation(config, isolation) };
  const found = ownEntry(config.restores, into);
  if (!found) throw unknownName('into', into, Object.keys(config.restores));
  if (isolation !== undefined) {
    throw new ConfigurationError('InvalidInput', 'isolation and into both say where to: name one of them');
  }
  if (to === 'instance' && !found.network) {
    throw new ConfigurationError(
      'InvalidInput',
      `into: restores.${into} of the configuration has no network, so it takes volumes only ("to": "volumes")`,
    );
  }
  const { zone, kmsKeyId, network } = found;
  const profile: RestoreProfile = {
    name: into,
    ...(zone !== undefined && { zone }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    ...(network && { network: restoreNetwork(network) }),
  };
  return { kind: 'named', profile };
}

export function resolvePlan(config: Config, named: string): Config['plans'][string] {
  const plan = ownEntry(config.plans, named);
  if (plan) return plan;
  throw unknownName('plan', named, Object.keys(config.plans));
}

/** Where a mover writes files. */
export function resolveFolder({ folders }: Pick<Config, 'folders'>, named: string): string {
  const path = ownEntry(folders, named);
  if (path !== undefined) return path;
  throw unknownName('into', named, Object.keys(folders));
}

function restoreNetwork(configured: NonNullable<Config['restores'][string]['network']>): RestoreNetwork {
  const { instanceProfile, keyName, ...network } = configured;
  return {
    ...network,
    ...(instanceProfile !== undefined && { instanceProfile }),
    ...(keyName !== undefined && { keyName }),
  };
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
    `${field}: "${name}" is not in the configuration (defined: ${known.join(', ') || 'none'})`,
  );
}

/** A name that every object has, as `constructor`, names nothing of a configuration. */
function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function ofName<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = ownEntry(table, name);
  if (found === undefined) throw unknownName('isolation', name, Object.keys(table));
  return found;
}
