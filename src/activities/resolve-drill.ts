import { resolveIsolation, resolvePlan, resolveVault } from '../config/resolve-names.ts';
import { DrillRequest, type ResolvedDrill } from '../contract/drill.ts';
import { parseInput } from './parse-input.ts';
import type { ResolveDeps } from './resolve.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000 } as const;

export function createResolveDrillActivities({ config }: Pick<ResolveDeps, 'config'>) {
  return {
    async resolveDrill(input: unknown): Promise<ResolvedDrill> {
      const { budget, instanceId, plan, ...request } = parseInput(DrillRequest, input, 'drillRecoveryPoints', '{}');
      const made = plan === undefined ? undefined : resolvePlan(config, plan).request;
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
