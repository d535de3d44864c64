import { sleep } from '@temporalio/activity';
import type { Observation, OwnMachine } from '../contract/machine.ts';
import type { MachineHeartbeat } from '../contract/progress.ts';
import type { Limits } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { ClonePlatform } from '../platforms/platform.ts';
import { type ProgressLine, readConsole } from '../recipes/boot/console.ts';
import { type Beat, beating } from './beating.ts';

export interface WatchDeps {
  readonly platform: ClonePlatform;
  readonly now: () => number;
}

export interface WatchRequest {
  readonly run: Run;
  readonly machine: OwnMachine;
  /** Workflow time in milliseconds: limits hold across attempts of the activity. */
  readonly since: number;
  readonly limits: Limits;
}

/** What ended the watch. `limit`: its time was over, the machine still runs. */
export interface WatchOutcome {
  readonly saw: 'recovered' | 'stopped' | 'terminated' | 'no-sign' | 'limit';
  readonly observation: Observation;
  /** Last word of the boot script: neutralised guest text. */
  readonly says: string;
}

/** One machine's state and console, read together. */
interface Sight {
  readonly observation: Observation;
  readonly progress: readonly ProgressLine[];
}

/** Steps that come after all recipes were asked whether they recovered. */
const AFTER_RECOVERY = new Set(['probed', 'stopped', 'reported', 'powering-off', 'failed']);

export function createWatchActivities({ platform, now }: WatchDeps) {
  /** Looks until `judge` has an answer. The last sight that showed progress lines is kept: the console is a window. */
  async function watch(
    { run, machine, since }: WatchRequest,
    judge: (sight: Sight, waitedMs: number) => WatchOutcome['saw'] | undefined,
  ): Promise<WatchOutcome> {
    return beating(async (beat) => {
      let lines: readonly ProgressLine[] = [];
      for (;;) {
        const observation = await platform.observe(run, machine.machineId, beat.signal);
        const console = await platform.readConsole(run, machine.machineId, beat.signal);
        const { progress } = readConsole(console, run.runId);
        if (progress.length > 0) lines = progress;
        const says = report(beat, machine, observation, lines);
        const waitedMs = now() - since;
        const saw = judge({ observation, progress: lines }, waitedMs);
        if (saw) return { saw, observation, says };
        await sleep(lookAgainMs(waitedMs));
      }
    });
  }

  return {
    /** From launch until every application was asked whether it recovered, or a limit is over. */
    async awaitRecovered(request: WatchRequest): Promise<WatchOutcome> {
      const { firstSignMs, recoverMs } = request.limits;
      return watch(request, ({ observation, progress }, waitedMs) => {
        const ended = endOf(observation);
        if (ended) return ended;
        if (hasRecovered(progress)) return 'recovered';
        if (progress.length === 0 && waitedMs > firstSignMs) return 'no-sign';
        return waitedMs > firstSignMs + recoverMs ? 'limit' : undefined;
      });
    },

    /** Until the machine is off. */
    async awaitStopped(request: WatchRequest): Promise<WatchOutcome> {
      return watch(
        request,
        ({ observation }, waitedMs) =>
          endOf(observation) ?? (waitedMs > request.limits.shutdownMs ? 'limit' : undefined),
      );
    },

    /** The way out past the limit: StopInstances, which can never prove an orderly end. */
    async stopMachine(request: WatchRequest): Promise<WatchOutcome> {
      await beating(({ signal }) => platform.stop(request.run, request.machine.machineId, signal));
      return watch(request, ({ observation }) => endOf(observation));
    },
  };
}

function endOf({ state }: Observation): 'stopped' | 'terminated' | undefined {
  return state === 'stopped' || state === 'terminated' ? state : undefined;
}

function hasRecovered(progress: readonly ProgressLine[]): boolean {
  if (progress.some(({ step }) => AFTER_RECOVERY.has(step))) return true;
  const detected = progress.filter(({ step }) => step === 'detected').length;
  return detected > 0 && progress.filter(({ step }) => step === 'recovered').length >= detected;
}

function report(beat: Beat, machine: OwnMachine, { state }: Observation, lines: readonly ProgressLine[]): string {
  const last = lines.at(-1);
  const says =
    last === undefined ? '' : [last.step, last.recipe, last.ok === false ? 'failed' : ''].filter(Boolean).join(' ');
  beat.progress({ machineId: machine.machineId, state, line: last?.n ?? 0, says } satisfies MachineHeartbeat);
  return says;
}

/**
 * A small machine boots in seconds, and a person watches; a large one recovers for an hour, and its two Describe calls
 * per look share an account's request budget with everybody (100 requests, refilled at 20 per second: aws.md).
 */
function lookAgainMs(waitedMs: number): number {
  return waitedMs < 3 * 60_000 ? 1_500 : 10_000;
}
