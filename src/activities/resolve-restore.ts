import {
  resolveFolder,
  resolveIsolation,
  resolvePlace,
  resolveRecipes,
  resolveVault,
} from '../config/resolve-names.ts';
import type { ConfiguredRecipe } from '../contract/resolved-backup.ts';
import type { ResolvedFiles, ResolvedRestore, ResolvedTable } from '../contract/resolved-restore.ts';
import { FilesRequest, RestoreRequest, TableRequest } from '../contract/restore-request.ts';
import { ConfigurationError } from '../errors.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import { parseInput } from './parse-input.ts';
import type { ResolveDeps } from './resolve.ts';

export interface ResolveRestoreDeps extends ResolveDeps {
  readonly findRecipe: FindRecipe;
}

export function createResolveRestoreActivities(deps: ResolveRestoreDeps) {
  const { config, deploymentId } = deps;
  return {
    async resolveRestore(input: unknown): Promise<ResolvedRestore> {
      const example = '{"pointId": "20261123T023107Z-9f2c01ab"}';
      const request = parseInput(RestoreRequest, input, 'restoreRecoveryPoint', example);
      const { pointId, to, volumeIds, isolation, into } = request;
      if (to === 'instance' && volumeIds) {
        throw new ConfigurationError(
          'InvalidInput',
          'volumeIds: a machine needs all its volumes; ask for "to": "volumes"',
        );
      }
      return {
        pointId,
        vault: resolveVault(config, request.vault),
        to,
        ...(volumeIds && { volumeIds }),
        deploymentId,
        place: resolvePlace(config, {
          to,
          ...(isolation !== undefined && { isolation }),
          ...(into !== undefined && { into }),
        }),
        limits: config.limits,
        searchAttributes: config.temporal.searchAttributes && (await deps.hasSearchAttributes()),
      };
    },

    async resolveTable(input: unknown): Promise<ResolvedTable> {
      const example = '{"pointId": "20261123T023107Z-9f2c01ab", "database": "bank", "table": "accounts"}';
      const request = parseInput(TableRequest, input, 'restoreTable', example);
      const { pointId, database, schema, table } = request;
      return {
        pointId,
        vault: resolveVault(config, request.vault),
        deploymentId,
        isolation: resolveIsolation(config, request.isolation),
        recipe: extractingRecipe(deps, request.recipe),
        wanted: { database, table, ...(schema !== undefined && { schema }) },
        limits: config.limits,
        searchAttributes: config.temporal.searchAttributes && (await deps.hasSearchAttributes()),
      };
    },

    async resolveFiles(input: unknown): Promise<ResolvedFiles> {
      const example = '{"pointId": "20261123T023107Z-9f2c01ab", "path": "/srv/data", "into": "restored"}';
      const { vault, volumeIds, ...request } = parseInput(FilesRequest, input, 'restoreFiles', example);
      resolveFolder(config, request.into);
      return {
        ...request,
        vault: resolveVault(config, vault),
        ...(volumeIds && { volumeIds }),
        limits: config.limits,
        searchAttributes: config.temporal.searchAttributes && (await deps.hasSearchAttributes()),
      };
    },
  };
}

function extractingRecipe({ config, findRecipe }: ResolveRestoreDeps, named: string | undefined): ConfiguredRecipe {
  const able = resolveRecipes(config, undefined).filter(({ name }) => findRecipe(name).scripts.extract !== undefined);
  const [only, ...others] = named === undefined ? able : able.filter(({ name }) => name === named);
  if (only && others.length === 0) return only;
  const names = able.map(({ name }) => name).join(', ') || 'none';
  throw new ConfigurationError(
    'InvalidInput',
    `recipe: name the one that takes the table out; of this worker's recipes these can: ${names}`,
  );
}
