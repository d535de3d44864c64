import { resolvePlace, resolveVault } from '../config/resolve-names.ts';
import type { ResolvedRestore } from '../contract/resolved-restore.ts';
import { RestoreRequest } from '../contract/restore-request.ts';
import { ConfigurationError } from '../errors.ts';
import { parseInput } from './parse-input.ts';
import type { ResolveDeps } from './resolve.ts';

export function createResolveRestoreActivities(deps: ResolveDeps) {
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
  };
}
