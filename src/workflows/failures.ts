import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  isCancellation,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { Failed, Leftover } from '../contract/results.ts';
import type { ErrorCode } from '../errors.ts';

/** A failure of our own: its type is a code of the registry, and no retry of the workflow cures it. */
export function failure(code: ErrorCode, message: string, ...details: unknown[]): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details });
}

/** The registry's code of whatever an activity or a child failed with. */
export function codeOf(error: unknown): string | undefined {
  return reasonOf(error)?.type ?? undefined;
}

/**
 * Whether it was this run that was cancelled. A child or an activity that somebody ended by itself is a failure as others are.
 */
export function wasCancelled(error: unknown): boolean {
  return isCancellation(error) && CancellationScope.current().consideredCancelled;
}

const CANCELLED = { code: 'Cancelled', message: 'it was cancelled' } as const;
/** It had no chance to say anything, and none to clean up. */
const TERMINATED = {
  code: 'Terminated',
  message: 'it was terminated by force; the sweeper removes what it left',
} as const;

/** Code and words of a failure that the workflow goes on after. */
export function messageOf(error: unknown): Failed {
  if (isCancellation(error)) return CANCELLED;
  if (wasTerminated(error)) return TERMINATED;
  const { type, message } = reasonOf(error) ?? {};
  return { code: type ?? 'StepTimedOut', message: message ?? "it did not end in time; look at its worker's log" };
}

export interface FailureFrame {
  /** Which phase failed. */
  readonly phase?: string | undefined;
  readonly leftovers?: readonly Leftover[];
}

/**
 * What a person reads on the failed workflow: the phase, then the error's own words, which say what was read and what to
 * do. Without it the UI shows "Activity task failed". That the run itself was cancelled passes unchanged.
 */
export function readableFailure(error: unknown, { phase, leftovers = [] }: FailureFrame = {}): unknown {
  if (wasCancelled(error)) return error;
  const prefix = phase === undefined ? '' : `${phase}: `;
  const suffix = leftovers.length === 0 ? '' : `. Left behind: ${leftovers.map(({ id }) => id).join(', ')}`;
  const reason = reasonOf(error);
  if (reason) {
    const message = reason.message.startsWith(prefix) ? reason.message : `${prefix}${reason.message}`;
    // Wrapped, it would be its own cause and its details be sent twice.
    if (error === reason && message + suffix === reason.message) return error;
    return ApplicationFailure.create({
      type: reason.type ?? 'StepTimedOut',
      message: `${message}${suffix}`,
      nonRetryable: true,
      details: reason.details ?? [],
      ...(error instanceof Error && { cause: error }),
    });
  }
  if (isCancellation(error)) {
    const { code: type, message } = CANCELLED;
    return ApplicationFailure.create({ type, message: `${prefix}${message}${suffix}`, nonRetryable: true });
  }
  if (wasTerminated(error)) {
    const message = `${prefix}${error.workflowType}: ${TERMINATED.message}${suffix}`;
    return ApplicationFailure.create({ type: TERMINATED.code, message, nonRetryable: true, cause: error });
  }
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) {
    const what = error instanceof ActivityFailure ? error.activityType : error.workflowType;
    const message = `${prefix}${what} did not finish in time and said nothing; look at its worker's log${suffix}`;
    return ApplicationFailure.create({ type: 'StepTimedOut', message, nonRetryable: true, cause: error });
  }
  return error;
}

function wasTerminated(error: unknown): error is ChildWorkflowFailure {
  return error instanceof ChildWorkflowFailure && error.cause instanceof TerminatedFailure;
}

/** The first failure in the chain that says something of its own. */
function reasonOf(error: unknown): ApplicationFailure | undefined {
  if (error instanceof ApplicationFailure) return error;
  const wraps =
    error instanceof ActivityFailure || error instanceof ChildWorkflowFailure || error instanceof TimeoutFailure;
  return wraps ? reasonOf(error.cause) : undefined;
}

/** A deadline that goes through clean-up; an execution timeout would skip it. */
export async function withinLimit<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  const scope = new CancellationScope({ cancellable: true, timeout: limitMs });
  try {
    return await scope.run(work);
  } catch (error) {
    const limitEndedIt = scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
    if (!isCancellation(error) || !limitEndedIt) throw error;
    throw failure('RunLimitExceeded', `the run took longer than limits.runMs = ${limitMs} ms and was ended`, {
      limitMs,
    });
  }
}
