import {
  type Command,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  ListCommandsCommand,
} from '@aws-sdk/client-ssm';
import type { OwnMachine } from '../../contract/machine.ts';
import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { CommandOutput, CommandState, ScriptOrder } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { awsName, call, isCode } from './errors.ts';
import { MUST_SHOW_WITHIN_MS } from './make.ts';
import { cancelScript, sendScript } from './mutations.ts';
import { claimInstance, type Owned } from './owned.ts';
import { collect } from './pages.ts';
import { repeatUntil } from './repeat.ts';

/** The document's own limit: two days (AWS-RunShellScript, executionTimeout). */
const MAX_EXECUTION_SECONDS = 172_800;
/** Statuses of a command that may still do something. */
const ACTIVE = ['Pending', 'InProgress'];

/**
 * At most once by a protocol of our own, for SendCommand takes no token: look for the command first, send on a client that
 * never repeats, look for two minutes after a lost answer, and only then let the next attempt send again. What two
 * commands would do twice, the script's own claim of its machine does once.
 */
export async function ensureCommand(
  context: Ec2Context,
  { run, machine, script, executionMs }: ScriptOrder,
  signal: AbortSignal,
): Promise<string | undefined> {
  const earlier = await findCommand(context, run, machine, signal);
  if (earlier !== undefined) return earlier;
  const { owned } = await claimInstance(context, run, machine.machineId, signal);
  if (!(await isOnline(context, owned, signal))) return undefined;
  const executionSeconds = Math.min(MAX_EXECUTION_SECONDS, Math.ceil(executionMs / 1000));
  const comment = commentOf(run, machine);
  try {
    return await sendScript(context, { machine: owned, script, comment, executionSeconds }, signal);
  } catch (error) {
    if (awsName(error) === 'InvalidInstanceId') return undefined; // not fit for commands yet, or not any more
    if (!isCode(error, 'PlatformUnreachable')) throw error;
    context.log('the answer to a command was lost', { machineId: owned.id });
    return await lookForLost(context, { run, machine, cause: error }, signal);
  }
}

interface LostCommand {
  readonly run: Run;
  readonly machine: OwnMachine;
  readonly cause: unknown;
}

async function lookForLost(
  context: Ec2Context,
  { run, machine, cause }: LostCommand,
  signal: AbortSignal,
): Promise<string> {
  const what = { limitMs: MUST_SHOW_WITHIN_MS, what: `the command to ${machine.machineId} to show` };
  try {
    return await repeatUntil(context, what, signal, () => findCommand(context, run, machine, signal));
  } catch (error) {
    if (!isCode(error, 'NotReadyYet')) throw error;
    throw new PlatformError(
      'CommandUnconfirmed',
      `The answer to SendCommand was lost, and ${machine.machineId} shows no command of this run 2 minutes later. It is sent again.`,
      { context: { machineId: machine.machineId, runId: run.runId }, cause },
    );
  }
}

/** The earliest that carries this run, role and attempt. */
export async function findCommand(
  context: Ec2Context,
  run: Run,
  machine: OwnMachine,
  signal: AbortSignal,
): Promise<string | undefined> {
  const comment = commentOf(run, machine);
  const sent = (await commandsOf(context, machine.machineId, signal)).filter(({ Comment }) => Comment === comment);
  const timeOf = ({ RequestedDateTime }: Command) => RequestedDateTime?.getTime() ?? 0;
  return [...sent].sort((a, b) => timeOf(a) - timeOf(b))[0]?.CommandId;
}

export interface CommandRef {
  readonly run: Run;
  readonly machineId: string;
  readonly commandId: string;
}

export async function readCommand(
  context: Ec2Context,
  command: CommandRef,
  signal: AbortSignal,
): Promise<CommandState | undefined> {
  const answer = await findInvocation(context, command, signal);
  return answer && { phase: phaseOf(answer.Status ?? '', answer.ExecutionStartDateTime ?? ''), word: wordOf(answer) };
}

/** The first 24,000 characters of what the script printed and the first 8,000 of its errors, which is all that is kept. */
export async function readCommandOutput(
  context: Ec2Context,
  run: Run,
  machine: OwnMachine,
  signal: AbortSignal,
): Promise<CommandOutput | undefined> {
  const { machineId } = machine;
  const commandId = await findCommand(context, run, machine, signal);
  const answer = commandId && (await findInvocation(context, { run, machineId, commandId }, signal));
  if (!answer) return undefined;
  const { StandardOutputContent: output = '', StandardErrorContent: error = '' } = answer;
  return { commandId, word: wordOf(answer), output, error };
}

async function findInvocation(
  { clients }: Ec2Context,
  { machineId, commandId }: CommandRef,
  signal: AbortSignal,
): Promise<GetCommandInvocationCommandOutput | undefined> {
  try {
    return await call(`GetCommandInvocation ${commandId}`, signal, () =>
      clients.ssm.send(new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: machineId }), {
        abortSignal: signal,
      }),
    );
  } catch (error) {
    if (awsName(error) === 'InvocationDoesNotExist') return undefined;
    throw error;
  }
}

/** Details say more than the status; documents write them with blanks, answers without. */
function wordOf({ StatusDetails, Status }: GetCommandInvocationCommandOutput): string {
  return (StatusDetails ?? Status ?? '').replaceAll(' ', '').slice(0, 40);
}

/** Whatever of this run may still do something on a machine that is about to end; best effort, the end itself is not. */
export async function cancelCommands(
  context: Ec2Context,
  run: Run,
  machine: Owned<'instance'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const { CommandId, Comment, Status } of await commandsOf(context, machine.id, signal)) {
      const isOurs = Comment?.startsWith(`understudy ${run.runId} `) === true;
      if (!isOurs || CommandId === undefined || !ACTIVE.includes(Status ?? '')) continue;
      await cancelScript(context, machine, CommandId, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    context.log('a command was not cancelled', { machineId: machine.id, error: awsName(error) });
  }
}

/** At most 100 characters (SendCommand, Comment). */
function commentOf({ runId }: Run, { role, attempt }: OwnMachine): string {
  return `understudy ${runId} ${role} ${attempt}`;
}

async function commandsOf({ clients }: Ec2Context, machineId: string, signal: AbortSignal) {
  return collect(`ListCommands of ${machineId}`, signal, async (NextToken) => {
    const command = new ListCommandsCommand({ InstanceId: machineId, MaxResults: 50, NextToken });
    const page = await clients.ssm.send(command, { abortSignal: signal });
    return { items: page.Commands ?? [], next: page.NextToken };
  });
}

/** Says that its agent was heard, not that the machine lives: it stays Online for minutes after a power-off. */
async function isOnline({ clients }: Ec2Context, { id }: Owned<'instance'>, signal: AbortSignal): Promise<boolean> {
  const Filters = [{ Key: 'InstanceIds', Values: [id] }];
  const nodes = await collect(`DescribeInstanceInformation ${id}`, signal, async (NextToken) => {
    const page = await clients.ssm.send(new DescribeInstanceInformationCommand({ Filters, NextToken }), {
      abortSignal: signal,
    });
    return { items: page.InstanceInformationList ?? [], next: page.NextToken };
  });
  return nodes.some(({ InstanceId, PingStatus }) => InstanceId === id && PingStatus === 'Online');
}

function phaseOf(status: string, startedAt: string): CommandState['phase'] {
  if (status === 'Pending' || status === 'Delayed') return 'waiting';
  if (status === 'InProgress' || status === 'Cancelling') return 'running';
  // The time is empty for what never ran (GetCommandInvocation, ExecutionStartDateTime).
  return startedAt === '' ? 'never-started' : 'ended';
}
