import type { CommandPlatform, CommandState } from '../platforms/platform.ts';
import type { WatchRequest } from './watch.ts';

export interface CommandDeps {
  readonly platform: CommandPlatform;
  /** The boot script of a run, as it is sent. */
  readonly assembleCommand: (runId: string) => Promise<string>;
}

/** What the platform says of the command that runs in a machine; undefined: none is known (yet). */
export type CommandLook = (signal: AbortSignal) => Promise<CommandState | undefined>;

/** Sends the boot script as soon as the machine takes it, where it comes as a command, and reads its state from then on. */
export function sendAndFollow(deps: CommandDeps, request: WatchRequest): CommandLook {
  const { run, machine, limits } = request;
  return follow(deps, request, async (signal) => {
    const script = await deps.assembleCommand(run.runId);
    return deps.platform.ensureCommand({ run, machine, script, executionMs: limits.runMs }, signal);
  });
}

/** Only reads: what was not sent by now is not sent any more. */
export function followSent(deps: CommandDeps, request: WatchRequest): CommandLook {
  const { run, machine } = request;
  return follow(deps, request, (signal) => deps.platform.findCommand(run, machine, signal));
}

function follow(
  { platform }: CommandDeps,
  { run, machine }: WatchRequest,
  find: (signal: AbortSignal) => Promise<string | undefined>,
): CommandLook {
  let commandId: string | undefined;
  return async (signal) => {
    if (machine.channel !== 'run-command') return undefined;
    commandId ??= await find(signal);
    return commandId === undefined ? undefined : platform.readCommand(run, machine.machineId, commandId, signal);
  };
}
