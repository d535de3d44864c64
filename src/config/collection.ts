import type { z } from 'zod';
import type { RetentionRules } from '../contract/retention.ts';
import { resolveVault } from './resolve-names.ts';
import { CollectConfig, type Config } from './schema.ts';

/** How one vault's points expire and its objects are collected. */
export interface Collection extends z.output<typeof CollectConfig> {
  readonly policy: {
    readonly vault: RetentionRules | undefined;
    /** Of plans with rules of their own. */
    readonly plans: Readonly<Record<string, RetentionRules>>;
  };
}

export function collectionOf(config: Config, vault: string): Collection {
  const name = resolveVault(config, vault);
  const { retention, collect } = config.vaults[name] ?? {};
  return {
    ...(collect ?? CollectConfig.parse({})),
    policy: { vault: retention, plans: planRules(config, name) },
  };
}

/** Vaults that are collected on a schedule. */
export function collectedVaults(config: Config): readonly string[] {
  return Object.entries(config.vaults)
    .filter(([name, { retention, collect }]) => retention || collect || Object.keys(planRules(config, name)).length > 0)
    .map(([name]) => name);
}

function planRules(config: Config, vault: string): Readonly<Record<string, RetentionRules>> {
  const rules: Record<string, RetentionRules> = {};
  for (const [plan, { retention, request }] of Object.entries(config.plans)) {
    if (retention && resolveVault(config, request.vault) === vault) rules[plan] = retention;
  }
  return rules;
}
