import { type BackupResult, type Run, RunFailed } from '../../src/client/index.ts';

/** How a run ended, either way, so that several may be under way at once. */
export interface EndedRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly result?: BackupResult;
  readonly failure?: RunFailed;
}

/** Resolves for results and for failures that say why; anything else (cancelled, a bug) rejects. */
export async function endOf(run: Run<BackupResult>): Promise<EndedRun> {
  const { workflowId } = run;
  try {
    const result = await run.result();
    return { runId: result.runId, workflowId, result };
  } catch (error) {
    if (!(error instanceof RunFailed)) throw error;
    const { runId = 'refused before it had an id' } = await run.progress();
    return { runId, workflowId, failure: error };
  }
}

/** What lowered the class of a run that failed for it. */
export function loweredBy({ failure }: EndedRun): readonly string[] {
  const found = (failure?.details ?? []).find((detail) => typeof detail === 'object' && detail && 'lowered' in detail);
  return (found as { lowered: readonly string[] } | undefined)?.lowered ?? [];
}
