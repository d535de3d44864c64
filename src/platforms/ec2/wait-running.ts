import type { Run } from '../../contract/run.ts';
import { PlatformError } from '../../errors.ts';
import type { Ec2Context } from './context.ts';
import { isCode } from './errors.ts';
import { MUST_SHOW_WITHIN_MS } from './make.ts';
import { claimInstance, type OwnedInstance } from './owned.ts';
import { repeatUntil } from './repeat.ts';

/** EC2 starts a machine within a minute; volumes of encrypted snapshots take longer. */
const RUNNING_WITHIN_MS = 10 * 60_000;

export function waitVisible(context: Ec2Context, run: Run, id: string, signal: AbortSignal): Promise<OwnedInstance> {
  return repeatUntil(context, { limitMs: MUST_SHOW_WITHIN_MS, what: `instance ${id} to show` }, signal, async () => {
    try {
      return await claimInstance(context, run, id, signal);
    } catch (error) {
      if (isCode(error, 'InstanceNotFound', 'ResourceNotOurs')) return undefined; // its tags may lag, too
      throw error;
    }
  });
}

/** Undefined when EC2 gave the machine up for want of capacity: the next rung's turn. */
export function waitRunning(
  context: Ec2Context,
  run: Run,
  { owned }: OwnedInstance,
  signal: AbortSignal,
): Promise<OwnedInstance | undefined> {
  const limit = { limitMs: RUNNING_WITHIN_MS, what: `instance ${owned.id} to run` };
  return repeatUntil<{ machine: OwnedInstance | undefined }>(context, limit, signal, async () => {
    const machine = await claimInstance(context, run, owned.id, signal);
    const state = machine.instance.State?.Name;
    // A short-lived machine may have run and powered itself off between two looks.
    if (state === 'running' || state === 'stopping' || state === 'stopped') return { machine };
    if (state === 'pending') return undefined;
    const code = machine.instance.StateReason?.Code ?? 'no reason';
    if (code === 'Server.InsufficientInstanceCapacity') return { machine: undefined };
    throw new PlatformError(
      code === 'Server.InternalError' ? 'PlatformUnreachable' : 'PlatformRefused',
      `The instance ${owned.id} went from pending to ${state}: ${code}: ${machine.instance.StateReason?.Message ?? ''} Check the KMS keys of its snapshots.`,
      { context: { machineId: owned.id } },
    );
  }).then(({ machine }) => machine);
}
