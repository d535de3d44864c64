import { resolveIsolation, resolveVault } from '../config/resolve-names.ts';
import { DrillRequest, type ResolvedDrill } from '../contract/drill.ts';
import { ConfigurationError } from '../errors.ts';
import { parseInput } from './parse-input.ts';
import type { ResolveDeps } from './resolve.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000 } as const;

export function createResolveDrillActivities({ config }: Pick<ResolveDeps, 'config'>) {
  return {
    async resolveDrill(input: unknown): Promise<ResolvedDrill> {
      const { budget, instanceId, plan, ...request } = parseInput(DrillRequest, input, 'drillRecoveryPoints', '{}');
      const made = plan === undefined ? undefined : config.plans[plan]?.request;
      if (plan !== undefined && !made) {
        const known = Object.keys(config.plans).join(', ') || 'none';
        throw new ConfigurationError(
          'UnknownName',
          `plan: "${plan}" is not in this worker's configuration (defined: ${known})`,
        );
      }
      return {
        budgetMs: Number(budget.slice(0, -1)) * UNIT_MS[budget.endsWith('h') ? 'h' : 'm'],
        vault: resolveVault(config, request.vault ?? made?.vault),
        isolation: resolveIsolation(config, request.isolation ?? made?.isolation).name,
        ...(instanceId !== undefined && { instanceId }),
        ...(plan !== undefined && { plan }),
      };
    },
  };
}
