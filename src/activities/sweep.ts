import type { Leftover, SweepResult, SweptRun } from '../contract/results.ts';
import type { CleanUpPlatform, RunResources } from '../platforms/platform.ts';
import { inOrder } from '../vault/in-order.ts';
import { type Beat, beating } from './beating.ts';
import { type CaptureKeeper, judgeRun, type RunStatus } from './judge-run.ts';

export interface SweepDeps {
  readonly platform: CleanUpPlatform;
  readonly deploymentId: string;
  readonly now: () => number;
  /** What Temporal says of an execution; `unknown` when it has none of that id. */
  readonly runStatus: (workflowId: string, temporalRunId: string) => Promise<RunStatus>;
  /** Which captures of these runs the vaults still need; undefined while any vault cannot be read. */
  readonly findKeptCaptures: (captured: ReadonlySet<string>, beat: Beat) => Promise<CaptureKeeper | undefined>;
}

/**
 * A stuck machine is waited for 10 minutes and an attempt has 30 (workflows/proxies.ts): one after the other, three of them
 * would keep the sweep from all runs behind. Each asks a dozen times a minute, of an account's 20 requests per second.
 */
const RUNS_AT_ONCE = 8;

interface RunToSweep {
  readonly resources: RunResources;
  readonly status: RunStatus;
  readonly keeper: CaptureKeeper | undefined;
}

export function createSweepActivities({ platform, deploymentId, now, runStatus, findKeptCaptures }: SweepDeps) {
  async function sweepRun({ resources, status, keeper }: RunToSweep, signal: AbortSignal) {
    const { run } = resources;
    const decision = judgeRun(resources, { status, now: now(), keeper });
    if (decision.action === 'keep') return { swept: sweptRun(run.runId, 'kept', decision.reason), leftovers: [] };
    const leftovers = await platform.removeRunResources(
      { run, done: false, keepCapture: decision.keepCapture, replacedCaptures: 'keep', keepRestored: true },
      signal,
    );
    return { swept: sweptRun(run.runId, 'removed', decision.reason), leftovers };
  }

  return {
    /** The backstop for runs whose own clean-up never ran: terminated ones. Acts only on this deployment's resources. */
    async sweepDeployment(): Promise<SweepResult> {
      return beating(async (beat) => {
        const { signal, progress } = beat;
        const runs: SweptRun[] = [];
        const leftovers: Leftover[] = [];
        const found = await platform.findRuns(deploymentId, signal);
        const captured = found
          .filter(({ resources }) => resources.some(({ role }) => role === 'capture'))
          .map(({ run }) => run.runId);
        // Before the vaults, which take minutes: a run that commits meanwhile is not over for this sweep, as its capture is
        // not among those that the vaults were found to need.
        const judged = [];
        for (const resources of found) {
          const { workflowId, temporalRunId } = resources.run;
          judged.push({ resources, status: await runStatus(workflowId, temporalRunId) });
          progress();
        }
        const keeper = await findKeptCaptures(new Set(captured), beat);
        const sweeps = judged.map((one) => (either: AbortSignal) => sweepRun({ ...one, keeper }, either));
        for await (const { swept, leftovers: left } of inOrder(sweeps, { depth: RUNS_AT_ONCE, signal })) {
          runs.push(swept);
          leftovers.push(...left);
          progress({ runs: runs.length });
        }
        return { runs, leftovers };
      });
    },
  };
}

function sweptRun(runId: string, decision: SweptRun['decision'], reason: string): SweptRun {
  return { runId, decision, reason };
}
