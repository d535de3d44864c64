import { collectionOf } from '../config/collection.ts';
import type { Config } from '../config/schema.ts';
import type {
  CollectionExecutionResult,
  CollectionPlanResult,
  DeletedVersionsResult,
  ExpiryResult,
} from '../contract/results.ts';
import { VaultError } from '../errors.ts';
import {
  deleteVersions,
  executePlan,
  expirePoints,
  type IsDead,
  listPlans,
  newGcId,
  planCollection,
  readPlan,
  type Survey,
  sumOf,
  surveyVault,
  type Vault,
  type VersionStore,
} from '../vault/index.ts';
import { type Beat, beating } from './beating.ts';
import type { RunStatus } from './judge-run.ts';
import type { VaultDoor } from './vault-door.ts';

export interface CollectDeps {
  readonly config: Config;
  readonly vaults: VaultDoor;
  /** The same vaults under the credentials that may remove objects (`collect.profile`). */
  readonly collectedVaults: VaultDoor;
  /** Under the credentials that may destroy versions; undefined for a store that keeps none. */
  readonly openVersions: (vault: string, profile: string) => VersionStore | undefined;
  readonly toolVersion: string;
  readonly now: () => number;
  /** What Temporal says of an execution; `unknown` when it has none of that id. */
  readonly runStatus: (workflowId: string, temporalRunId: string) => Promise<RunStatus>;
}

export interface CollectRequest {
  readonly vault: string;
}

const DAY_MS = 86_400_000;
/** Of a workflow that Temporal does not know, or no longer: far longer than any run may take (limits.runMs is a day). */
const UNKNOWN_GRACE_MS = 7 * DAY_MS;

export function createCollectActivities(deps: CollectDeps) {
  const { config, vaults, collectedVaults, openVersions, toolVersion, now, runStatus } = deps;
  const isDead: IsDead = async ({ workflow, startedAt }) => {
    const status = await runStatus(workflow.workflowId, workflow.temporalRunId);
    if (status === 'over') return `its workflow ${workflow.workflowId} is over`;
    if (status === 'running' || now() - Date.parse(startedAt) < UNKNOWN_GRACE_MS) return undefined;
    return `Temporal does not know its workflow ${workflow.workflowId}, and it began more than 7 days ago, at ${startedAt}`;
  };
  const survey = (vault: Vault, { signal, progress }: Beat): Promise<Survey> =>
    surveyVault({ vault, isDead, signal, onProgress: (step) => progress({ step }) });

  return {
    /** Repeatable: what has a tombstone is not judged again. */
    async expirePoints({ vault: name }: CollectRequest): Promise<ExpiryResult> {
      return beating(async ({ signal, progress }) => {
        const vault = await vaults.open(name, signal);
        const { policy } = collectionOf(config, name);
        const expired: string[] = [];
        const judged = await expirePoints({
          vault,
          policy,
          signal,
          onProgress: progress,
          onExpired: ({ pointId }) => {
            expired.push(pointId);
            progress({ expired: expired.length });
          },
        });
        return { kept: judged.length - expired.length, expired: expired.length, pointIds: expired.slice(0, 100) };
      });
    },

    /** Repeatable: removing what is gone is no error, and a plan with a report is done. */
    async executeCollections({ vault: name }: CollectRequest): Promise<CollectionExecutionResult> {
      return beating(async (beat) => {
        const { signal, progress } = beat;
        const vault = await collectedVaults.open(name, signal);
        const due = await findDue(vault, signal);
        const removed = { objects: 0, bytes: 0 };
        const kept = { objects: 0, bytes: 0 };
        if (due.length === 0) return { gcIds: [], removed, kept };
        const seen = await survey(vault, beat);
        for (const gcId of due) {
          const onProgress = () => progress({ removing: gcId });
          const report = await executePlan({ vault, gcId, survey: seen, toolVersion, signal, onProgress }).catch(
            (error: unknown) => {
              throw namingProfile(error, name);
            },
          );
          add(removed, sumOf(report.removed));
          add(kept, sumOf(report.kept));
        }
        return { gcIds: due, removed, kept };
      });
    },

    /** Fences dead runs and writes a plan. Each attempt writes one of its own; to execute two of them does no harm. */
    async planCollection({ vault: name }: CollectRequest): Promise<CollectionPlanResult> {
      return beating(async (beat) => {
        const { signal } = beat;
        const vault = await collectedVaults.open(name, signal);
        const { restHours } = collectionOf(config, name);
        const gcId = newGcId(vault);
        const seen = await survey(vault, beat);
        const restMs = restHours * 3_600_000;
        const plan = await planCollection({ vault, gcId, survey: seen, restMs, toolVersion, signal });
        return {
          gcId,
          executeAfter: plan.executeAfter,
          fenced: plan.fenced.length,
          keeps: plan.keeps,
          deletes: plan.deletes,
          ...(plan.locked && { locked: plan.locked }),
          problems: plan.invalid.slice(0, 20).map(({ key, reason }) => `${key}: ${reason.slice(0, 200)}`),
          protects: plan.protects,
        };
      });
    },

    /** Repeatable. Undefined where the configuration does not ask for it. */
    async deleteVersions({ vault: name }: CollectRequest): Promise<DeletedVersionsResult | undefined> {
      const { deleteVersions: wanted } = collectionOf(config, name);
      const versions = wanted && openVersions(name, wanted.profile);
      if (!wanted || !versions) return undefined;
      return beating(async ({ signal, progress }) => {
        const vault = await collectedVaults.open(name, signal);
        let removed = 0;
        const onRemoved = () => progress({ versions: ++removed });
        return deleteVersions({ vault, versions, olderThanMs: wanted.afterDays * DAY_MS, signal, onRemoved });
      });
    },
  };
}

/** The control worker itself must not be able to remove anything, so who forgot the collector's credentials reads how. */
function namingProfile(error: unknown, vault: string): unknown {
  if (!(error instanceof VaultError) || error.code !== 'AccessDenied') return error;
  const message = `${error.message}. Removing objects takes the collector's credentials: name their profile in vaults.${vault}.collect.profile (docs/operations/retention.md)`;
  return new VaultError('AccessDenied', message, { context: error.context, cause: error });
}

async function findDue(vault: Vault, signal: AbortSignal): Promise<readonly string[]> {
  const due: string[] = [];
  for (const { gcId, executed } of await listPlans(vault, signal)) {
    if (executed) continue;
    const { executeAfter } = await readPlan(vault, gcId, signal);
    if (Date.parse(executeAfter) <= vault.clock.now().getTime()) due.push(gcId);
  }
  return due;
}

function add(sum: { objects: number; bytes: number }, { objects, bytes }: { objects: number; bytes: number }): void {
  sum.objects += objects;
  sum.bytes += bytes;
}
