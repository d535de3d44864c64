import type { z } from 'zod';
import { resolveIsolation, resolvePlan, resolveRecipes, resolveVault } from '../config/resolve-names.ts';
import type { Config } from '../config/schema.ts';
import { BackupRequest, PlanRequest, VerificationRequest, whyNotWithoutDisks } from '../contract/backup-request.ts';
import { CheckRequest, type ResolvedCheck } from '../contract/check-request.ts';
import type { ResolvedBackup, ResolvedPlan, ResolvedVerification } from '../contract/resolved-backup.ts';
import { ConfigurationError } from '../errors.ts';
import type { InventoryPlatform } from '../platforms/platform.ts';
import type { FindRecipe } from '../recipes/registry.ts';
import { whyNoAgentRuns } from '../recipes/why-no-agent-runs.ts';
import { beating } from './beating.ts';
import { parseInput as parse } from './parse-input.ts';

/** A child workflow costs its plan's history up to nine events, and Temporal ends a history at 51,200. */
const MOST_INSTANCES = 5000;

export interface ResolveDeps {
  readonly config: Config;
  readonly deploymentId: string;
  readonly findRecipe: FindRecipe;
  readonly platform: InventoryPlatform;
  /** Whether the namespace has the `Understudy…` search attributes. */
  readonly hasSearchAttributes: () => Promise<boolean>;
  /** The execution that holds a workflow id now. */
  readonly describeWorkflow: (workflowId: string) => Promise<RunningWorkflow | undefined>;
}

export interface RunningWorkflow {
  readonly temporalRunId: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** Input is anything: people type it by hand. What comes out is frozen in history; workflows read no configuration. */
export function createResolveActivities(deps: ResolveDeps) {
  const { config, deploymentId, platform } = deps;
  const searchAttributes = async () => config.temporal.searchAttributes && (await deps.hasSearchAttributes());

  return {
    async resolveRequest(input: unknown): Promise<ResolvedBackup> {
      const request = parse(BackupRequest, input, 'requestBackup', '{"instanceId": "i-0123456789abcdef0"}');
      const resolved = {
        vault: resolveVault(config, request.vault),
        isolation: resolveIsolation(config, request.isolation),
        recipes: resolveRecipes(config, request.recipes),
      };
      const names = resolved.recipes.map(({ name }) => name);
      const why = whyNotWithoutDisks(request);
      if (why !== undefined) throw new ConfigurationError('InvalidInput', `disks: ${why}`);
      const whyNoAgent = request.method === 'application-agent' ? whyNoAgentRuns(names, deps.findRecipe) : undefined;
      if (whyNoAgent !== undefined) throw new ConfigurationError('InvalidInput', `method: ${whyNoAgent}`);
      const machine = await beating(({ signal }) => platform.describeMachine(request.instanceId, signal));
      return {
        instanceId: request.instanceId,
        accountId: machine.accountId,
        region: machine.region,
        deploymentId,
        method: request.method,
        ...(!request.disks && { outputOnly: true }),
        atLeast: request.atLeast,
        verify: depthOf(request),
        retain: request.retain,
        accept: request.accept,
        ...resolved,
        fullReadEvery: fullReadEveryOf(config, resolved.vault),
        ...fileIndexOf(config, resolved.vault),
        limits: config.limits,
        ...(request.plan !== undefined && { plan: request.plan }),
        searchAttributes: await searchAttributes(),
      };
    },

    async resolveVerification(input: unknown): Promise<ResolvedVerification> {
      const example = '{"pointId": "20261123T023107Z-9f2c01ab"}';
      const request = parse(VerificationRequest, input, 'verifyRecoveryPoint', example);
      return {
        pointId: request.pointId,
        vault: resolveVault(config, request.vault),
        deploymentId,
        isolation: resolveIsolation(config, request.isolation),
        recipes: resolveRecipes(config, request.recipes),
        limits: config.limits,
        searchAttributes: await searchAttributes(),
      };
    },

    async resolveCheck(input: unknown): Promise<ResolvedCheck> {
      const request = parse(CheckRequest, input, 'checkVault', '{"level": "sample"}');
      const { level, pointIds } = request;
      return { vault: resolveVault(config, request.vault), level, ...(pointIds && { pointIds }) };
    },

    /** Selects the plan's instances, as they are now. */
    async resolvePlan(input: unknown): Promise<ResolvedPlan> {
      const { plan: name } = parse(PlanRequest, input, 'backupPlan', '{"plan": "nightly"}');
      const plan = resolvePlan(config, name);
      const { instanceIds, tags } = plan.select;
      const byTags = Object.keys(tags).length > 0;
      const tagged = byTags ? await beating(({ signal }) => platform.selectMachines(tags, signal)) : [];
      const selected = [...new Set([...instanceIds, ...tagged])].sort();
      if (selected.length > MOST_INSTANCES) throw tooManyInstances(name, selected.length);
      return {
        plan: name,
        instanceIds: selected,
        request: plan.request,
        atATime: plan.atATime,
        searchAttributes: await searchAttributes(),
      };
    },

    /** For the message of BackupAlreadyRunning. */
    async describeRunning({ workflowId }: { readonly workflowId: string }): Promise<RunningWorkflow | undefined> {
      return deps.describeWorkflow(workflowId);
    },
  };
}

function tooManyInstances(plan: string, count: number): ConfigurationError {
  return new ConfigurationError(
    'InvalidConfiguration',
    `plan ${plan} selects ${count} instances, and one run of a plan backs up ${MOST_INSTANCES} at most; split it into plans that select by one more tag`,
  );
}

type Request = z.output<typeof BackupRequest>;

function depthOf({ verify, disks }: Request): ResolvedBackup['verify'] {
  if (verify === 'launch') return true;
  return verify === true && !disks ? 'full' : verify;
}

function fileIndexOf({ vaults }: Config, vault: string): Pick<ResolvedBackup, 'fileIndex'> {
  const fileIndex = vaults[vault]?.fileIndex ?? 'off';
  return fileIndex === 'off' ? {} : { fileIndex };
}

/** `resolveVault` has proven the name. */
function fullReadEveryOf({ vaults }: Config, vault: string): number {
  return vaults[vault]?.fullReadEvery ?? 1;
}
