import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { BackupProgress, VolumeProgress } from '../contract/progress.ts';
import { progressQuery } from '../contract/queries.ts';
import { ConfigurationError, ERROR_STATUS, type ErrorCode, UnderstudyError } from '../errors.ts';
import { askUntil } from './ask-until.ts';
import { type Execution, readProgress } from './read-progress.ts';

/** A run ended without its result. `code` and `message` say why; `details` holds what the workflow attached. */
export class RunFailed extends UnderstudyError {
  readonly details: readonly unknown[];

  constructor(code: ErrorCode, message: string, cause: WorkflowFailedError, details: readonly unknown[]) {
    super(code, message, { cause, context: contextOf(details) });
    this.details = details;
  }
}

/** One run that was started or found again. */
export interface Run<R> {
  readonly workflowId: string;
  /**
   * Waits for the end. RunFailed, or WorkflowFailedError for a cancelled or terminated run. The signal ends the waiting and not
   * the run: close a client only when nobody waits any more.
   */
  result(signal?: AbortSignal): Promise<R>;
  /** Where it is now. */
  progress(signal?: AbortSignal): Promise<BackupProgress>;
  /** Asks it to end; it cleans up first, `result()` then rejects. */
  cancel(): Promise<void>;
}

export function followRun<R>(client: Client, workflowId: string): Run<R> {
  const handle = client.workflow.getHandle(workflowId);
  const rates = rateMeter();
  return {
    workflowId,
    async result(signal) {
      try {
        return await askUntil(client, signal, () => handle.result());
      } catch (error) {
        throw explain(error);
      }
    },
    async progress(signal) {
      const ask = async () => {
        const own = await handle.query(progressQuery);
        // The front door only knows who does the work; everybody else answers for itself.
        const worker = own.workflowId === undefined || own.workflowId === workflowId ? undefined : own;
        return own.phases.length === 0 && !worker ? own : readProgress(client, executionOf(workflowId, worker));
      };
      const whole = await askUntil(client, signal, ask).catch((error: unknown) => {
        throw explain(error);
      });
      return { ...whole, volumes: rates(whole.volumes) };
    },
    async cancel() {
      await handle.cancel().catch((error: unknown) => {
        throw explain(error);
      });
    },
  };
}

function executionOf(workflowId: string, worker: BackupProgress | undefined): Execution {
  return { workflowId: worker?.workflowId ?? workflowId, temporalRunId: worker?.temporalRunId };
}

function explain(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError) {
    const message = `Temporal has no ${error.workflowId} that goes on or can be read: is it an id of this namespace, and was it started within its retention time?`;
    return new ConfigurationError('InvalidInput', message, { cause: error });
  }
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) return error;
  const { type, message, details } = error.cause;
  return isCode(type) ? new RunFailed(type, message, error, details ?? []) : error;
}

function isCode(type: string | undefined | null): type is ErrorCode {
  return typeof type === 'string' && Object.hasOwn(ERROR_STATUS, type);
}

function contextOf([first]: readonly unknown[]): Record<string, string | number> {
  if (typeof first !== 'object' || first === null) return {};
  const entries = Object.entries(first).filter(
    (entry): entry is [string, string | number] => typeof entry[1] === 'string' || typeof entry[1] === 'number',
  );
  return Object.fromEntries(entries);
}

/** Heartbeats come every second; a mean over five looks is steady enough to read. */
const LOOKS = 5;

function rateMeter(): (volumes: readonly VolumeProgress[]) => readonly VolumeProgress[] {
  const looks = new Map<string, { readonly atMs: number; readonly bytes: number }[]>();
  return (volumes) =>
    volumes.map((volume) => {
      const seen = looks.get(volume.volumeId) ?? [];
      seen.push({ atMs: performance.now(), bytes: volume.bytesRead });
      if (seen.length > LOOKS) seen.shift();
      looks.set(volume.volumeId, seen);
      const [first] = seen;
      const last = seen.at(-1);
      if (!first || !last || last.bytes <= first.bytes) return volume;
      return { ...volume, rate: (last.bytes - first.bytes) / ((last.atMs - first.atMs) / 1000) };
    });
}
