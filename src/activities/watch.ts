import { sleep } from '@temporalio/activity';
import type { Observation, OwnMachine } from '../contract/machine.ts';
import type { MachineHeartbeat } from '../contract/progress.ts';
import type { Limits } from '../contract/resolved-backup.ts';
import type { Run } from '../contract/run.ts';
import type { ClonePlatform, CommandPlatform, CommandState } from '../platforms/platform.ts';
import { type ProgressLine, readConsole } from '../recipes/boot/console.ts';
import { type Beat, beating } from './beating.ts';
import { type CommandDeps, type CommandLook, followSent, sendAndFollow } from './follow-command.ts';

export interface WatchDeps extends CommandDeps {
  readonly platform: ClonePlatform & CommandPlatform;
  readonly now: () => number;
}

export interface AgentsWatch extends WatchRequest {
  /** How many may run, one after the other. */
  readonly agents: number;
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
  readonly saw: 'recovered' | 'agents-ended' | 'stopped' | 'terminated' | 'no-sign' | 'limit';
  readonly observation: Observation;
  /** Last word of the boot script: neutralised guest text. */
  readonly says: string;
}

/** One machine's state and console, read together. */
interface Sight {
  readonly observation: Observation;
  readonly progress: readonly ProgressLine[];
  /** Of machines whose script comes as a command. */
  readonly command: CommandState | undefined;
}

/** Steps that come after all recipes were asked whether they recovered. */
const AFTER_AGENTS = new Set(['harvested', 'outputs-loaded', 'stopped', 'reported', 'powering-off', 'failed']);
const AFTER_RECOVERY = new Set([...AFTER_AGENTS, 'probed', 'agent', 'working', 'wrote', 'loaded']);
/** For one agent: its script, its check and the listing of what it wrote, as boot.sh's watchdog counts them. */
const STEPS_OF_AN_AGENT = 3;
const AROUND_AN_AGENT_MS = 180_000;

/** A console's lag: a script that failed and has not said by then that it powers the machine off will not do it. */
const POWER_OFF_MS = 2 * 60_000;

export function createWatchActivities(deps: WatchDeps) {
  const { platform, now } = deps;

  /** Looks until `judge` has an answer. The last sight that showed progress lines is kept: the console is a window. */
  async function watch(
    { run, machine, since }: WatchRequest,
    look: CommandLook,
    judge: (sight: Sight, waitedMs: number) => WatchOutcome['saw'] | undefined,
  ): Promise<WatchOutcome> {
    return beating(async (beat) => {
      let lines: readonly ProgressLine[] = [];
      let overSince: number | undefined;
      for (;;) {
        const { observation, bytes } = await platform.readConsole(run, machine.machineId, beat.signal);
        const { progress } = readConsole(bytes, run.runId);
        if (progress.length > 0) lines = progress;
        const command = endOf(observation) ? undefined : await look(beat.signal);
        const sight = { observation, progress: lines, command };
        const says = report(beat, machine, sight);
        const waitedMs = now() - since;
        overSince = hasGivenUp(sight) ? (overSince ?? now()) : undefined;
        const isLost = overSince !== undefined && now() - overSince > POWER_OFF_MS;
        const saw = judge(sight, waitedMs) ?? (isLost ? 'limit' : undefined);
        if (saw) return { saw, observation, says };
        await sleep(lookAgainMs(waitedMs));
      }
    });
  }

  return {
    /** From launch until every application was asked whether it recovered, or a limit is over. */
    async awaitRecovered(request: WatchRequest): Promise<WatchOutcome> {
      const { firstSignMs, recoverMs } = request.limits;
      return watch(request, sendAndFollow(deps, request), ({ observation, progress, command }, waitedMs) => {
        const ended = endOf(observation);
        if (ended) return ended;
        if (command?.phase === 'never-started') return 'no-sign';
        if (hasRecovered(progress)) return 'recovered';
        if (progress.length === 0 && waitedMs > firstSignMs) return 'no-sign';
        return waitedMs > firstSignMs + recoverMs ? 'limit' : undefined;
      });
    },

    /** Until all agents have ended, or all that they wrote was loaded. The machine bounds each by itself; this is the backstop. */
    async awaitAgents(request: AgentsWatch): Promise<WatchOutcome> {
      const { agents, limits } = request;
      const limitMs = 60_000 + agents * (limits.agentMs * STEPS_OF_AN_AGENT + AROUND_AN_AGENT_MS);
      let seen: readonly ProgressLine[] = [];
      const outcome = await watch(request, followSent(deps, request), ({ observation, progress }, waitedMs) => {
        seen = progress;
        const ended = endOf(observation);
        if (ended) return ended;
        if (progress.some(({ step }) => AFTER_AGENTS.has(step))) return 'agents-ended';
        return waitedMs > limitMs ? 'limit' : undefined;
      });
      // By then the script's last word is about something else.
      return { ...outcome, says: endsOfAgents(seen) || outcome.says };
    },

    /** Until the machine is off. */
    async awaitStopped(request: WatchRequest): Promise<WatchOutcome> {
      return watch(
        request,
        followSent(deps, request),
        ({ observation }, waitedMs) =>
          endOf(observation) ?? (waitedMs > request.limits.shutdownMs ? 'limit' : undefined),
      );
    },

    /** The way out past the limit: StopInstances, which can never prove an orderly end. */
    async stopMachine(request: WatchRequest): Promise<WatchOutcome> {
      await beating(({ signal }) => platform.stop(request.run, request.machine.machineId, signal));
      return watch(request, followSent(deps, request), ({ observation }) => endOf(observation));
    },
  };
}

function endOf({ state }: Observation): 'stopped' | 'terminated' | undefined {
  return state === 'stopped' || state === 'terminated' ? state : undefined;
}

/** The script ends well when it has powered the machine off: how long that takes is the applications' business. */
function hasGivenUp({ command, progress }: Sight): boolean {
  const isOver = command?.phase === 'ended' && command.word !== 'Success';
  return isOver && !progress.some(({ step }) => step === 'powering-off');
}

function endsOfAgents(progress: readonly ProgressLine[]): string {
  return progress
    .filter(({ step }) => step === 'wrote' || step === 'loaded')
    .map(({ step, recipe = '', ok }) => `${recipe} ${ok === false ? 'failed' : step}`)
    .join(', ');
}

function hasRecovered(progress: readonly ProgressLine[]): boolean {
  if (progress.some(({ step }) => AFTER_RECOVERY.has(step))) return true;
  const detected = progress.filter(({ step }) => step === 'detected').length;
  return detected > 0 && progress.filter(({ step }) => step === 'recovered').length >= detected;
}

function report(beat: Beat, { machineId }: OwnMachine, { observation, progress, command }: Sight): string {
  const last = progress.at(-1);
  const says =
    last === undefined
      ? ''
      : [last.step, last.recipe, last.ok === false ? 'failed' : '', written(last)].filter(Boolean).join(' ');
  beat.progress({
    machineId,
    state: observation.state,
    line: last?.n ?? 0,
    says,
    ...(command && { command: command.word }),
  } satisfies MachineHeartbeat);
  return says;
}

function written({ bytes }: ProgressLine): string {
  return bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB written`;
}

/**
 * A small machine boots in seconds, and a person watches; a large one recovers for an hour, and its two calls per look (a
 * third where the console has nothing live) share an account's request budget with everybody (100 requests, refilled at 20
 * per second: EC2 API, "Request throttling").
 */
function lookAgainMs(waitedMs: number): number {
  return waitedMs < 3 * 60_000 ? 1_500 : 10_000;
}
