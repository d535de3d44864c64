import type { CommandRecord, InvocationRecord } from '../records.ts';

/** AWS keeps the first of each (GetCommandInvocation); the rest is only in S3 or CloudWatch. */
const OUTPUT_CHARS = 24_000;
const ERROR_CHARS = 8_000;

/** An agent ends a command that is over its time; if it says nothing for so long after that, it is gone. */
const SILENCE_MS = 30_000;

export const PENDING = { status: 'Pending', details: 'Pending', responseCode: -1, output: '', error: '' } as const;

/** What an agent said of a command that is over. */
export interface Ending {
  readonly how: 'exited' | 'timed-out' | 'cancelled';
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** As it is now: time alone ends commands that nobody took and those whose agent went silent. */
export function asOf(command: CommandRecord, invocation: InvocationRecord, now: number): InvocationRecord {
  if (invocation.status === 'Pending' && now > command.createdAt + command.timeoutSeconds * 1_000) {
    return { ...invocation, status: 'TimedOut', details: 'DeliveryTimedOut', endedAt: now };
  }
  const isRunning = invocation.status === 'InProgress' || invocation.status === 'Cancelling';
  const endsAt = (invocation.startedAt ?? 0) + command.executionSeconds * 1_000 + SILENCE_MS;
  if (isRunning && now > endsAt) {
    return { ...invocation, status: 'TimedOut', details: 'ExecutionTimedOut', endedAt: now };
  }
  return invocation;
}

/**
 * Whether this boot may run it, and the record from then on. One boot is told yes, however often it asks; whoever asks
 * later, after a reboot for instance, is told no: nothing runs twice.
 */
export function start(invocation: InvocationRecord, bootId: string, now: number): InvocationRecord | 'no' {
  if (invocation.status === 'Pending') {
    return { ...invocation, status: 'InProgress', details: 'InProgress', bootId, startedAt: now };
  }
  return invocation.status === 'InProgress' && invocation.bootId === bootId ? invocation : 'no';
}

/** Only the boot that runs a command ends it, and only once. */
export function end(invocation: InvocationRecord, bootId: string, ending: Ending, now: number): InvocationRecord {
  const isRunning = invocation.status === 'InProgress' || invocation.status === 'Cancelling';
  if (!isRunning || invocation.bootId !== bootId) return invocation;
  const { how, code } = ending;
  const said = {
    responseCode: code,
    endedAt: now,
    output: cut(ending.output, OUTPUT_CHARS),
    error: cut(ending.error, ERROR_CHARS),
  };
  if (how === 'cancelled') return { ...invocation, ...said, status: 'Cancelled', details: 'Cancelled' };
  if (how === 'timed-out') return { ...invocation, ...said, status: 'TimedOut', details: 'ExecutionTimedOut' };
  const status = code === 0 ? 'Success' : 'Failed';
  return { ...invocation, ...said, status, details: status };
}

/** A machine that has booted again no longer runs what it ran before. */
export function endByReboot(invocation: InvocationRecord, bootId: string, now: number): InvocationRecord {
  const isRunning = invocation.status === 'InProgress' || invocation.status === 'Cancelling';
  if (!isRunning || invocation.bootId === bootId) return invocation;
  return { ...invocation, status: 'Failed', details: 'Failed', endedAt: now };
}

/** What nobody has taken is over at once; what runs is asked to end, which it may not do. */
export function cancel(invocation: InvocationRecord, now: number): InvocationRecord {
  if (invocation.status === 'Pending') {
    return { ...invocation, status: 'Cancelled', details: 'Cancelled', endedAt: now };
  }
  if (invocation.status !== 'InProgress') return invocation;
  return { ...invocation, status: 'Cancelling', details: 'Cancelling' };
}

/** By characters, as AWS counts. */
function cut(text: string, chars: number): string {
  return [...text].slice(0, chars).join('');
}
