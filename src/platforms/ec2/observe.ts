import { GetConsoleOutputCommand, GetConsoleScreenshotCommand, type Instance } from '@aws-sdk/client-ec2';
import type { Observation } from '../../contract/machine.ts';
import type { Run } from '../../contract/run.ts';
import type { MachineSight } from '../platform.ts';
import type { Ec2Context } from './context.ts';
import { awsName, call, isCode } from './errors.ts';
import { claimInstance } from './owned.ts';

/** `shutting-down` is the beginning of terminated: there is no way back. */
const STATES: Readonly<Record<string, Observation['state']>> = {
  pending: 'pending',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'terminated',
  terminated: 'terminated',
};

/** Live output first, which only Nitro machines have; then what was posted at the last change of state. */
export function readConsole(
  context: Ec2Context,
  run: Run,
  machineId: string,
  signal: AbortSignal,
): Promise<MachineSight> {
  return look(
    context,
    { run, machineId },
    signal,
    async () =>
      (await consoleOutput(context, machineId, true, signal)) ??
      (await consoleOutput(context, machineId, false, signal)),
  );
}

export function screenshot(
  context: Ec2Context,
  run: Run,
  machineId: string,
  signal: AbortSignal,
): Promise<MachineSight> {
  return look(context, { run, machineId }, signal, async ({ state }) =>
    state === 'pending' || state === 'running' ? screenOf(context, machineId, signal) : undefined,
  );
}

interface MachineName {
  readonly run: Run;
  readonly machineId: string;
}

/** One claim shows both whose machine it is and how it is: describes are a shared resource. */
async function look(
  context: Ec2Context,
  { run, machineId }: MachineName,
  signal: AbortSignal,
  read: (observation: Observation) => Promise<Uint8Array | undefined>,
): Promise<MachineSight> {
  try {
    const { instance } = await claimInstance(context, run, machineId, signal);
    const observation = observationOf(instance);
    return { observation, bytes: await read(observation) };
  } catch (error) {
    // An hour after its end EC2 forgets a machine.
    if (isCode(error, 'InstanceNotFound')) return { observation: { state: 'terminated' }, bytes: undefined };
    throw error;
  }
}

export function observationOf({ State, StateReason }: Instance): Observation {
  return {
    state: STATES[State?.Name ?? ''] ?? 'pending',
    ...(StateReason?.Code !== undefined && { reasonCode: StateReason.Code }),
    ...(StateReason?.Message !== undefined && { reasonMessage: StateReason.Message.slice(0, 200) }),
  };
}

async function consoleOutput(
  { clients }: Ec2Context,
  machineId: string,
  Latest: boolean,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    const answer = await call(`GetConsoleOutput ${machineId}`, signal, () =>
      clients.ec2.send(new GetConsoleOutputCommand({ InstanceId: machineId, ...(Latest && { Latest }) }), {
        abortSignal: signal,
      }),
    );
    if (!answer.Output) return undefined;
    return Buffer.from(answer.Output, 'base64');
  } catch (error) {
    if (isNotToBeHad(error)) return undefined;
    throw error;
  }
}

async function screenOf(
  { clients }: Ec2Context,
  machineId: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    const answer = await call(`GetConsoleScreenshot ${machineId}`, signal, () =>
      clients.ec2.send(new GetConsoleScreenshotCommand({ InstanceId: machineId }), { abortSignal: signal }),
    );
    return answer.ImageData ? Buffer.from(answer.ImageData, 'base64') : undefined;
  } catch (error) {
    // Not on Graviton, bare metal and in some regions; and not of a stopped machine.
    if (isNotToBeHad(error)) return undefined;
    throw error;
  }
}

function isNotToBeHad(error: unknown): boolean {
  return [
    'UnsupportedOperation',
    'Unsupported',
    'IncorrectInstanceState',
    'InvalidAction',
    'OperationNotPermitted',
  ].includes(awsName(error));
}
