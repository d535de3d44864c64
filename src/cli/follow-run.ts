import type { BackupProgress } from '../contract/progress.ts';
import { CommandEnd, writeFailure } from './command-end.ts';
import type { CliDeps, StartedRun, WatchedRun } from './deps.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { readFailure } from './failure.ts';
import { jsonLines } from './json-lines.ts';
import { progressSink } from './progress-sinks.ts';
import { watchRun } from './watch-run.ts';

/** The run's result; a failure is told in the asked form and ends the command. */
export async function followRun<R>(
  run: WatchedRun<R>,
  what: string,
  deps: CliDeps,
  { json }: { readonly json?: true | undefined },
): Promise<R> {
  const sink = await progressSink(deps, json && jsonLines(deps.stdout));
  const watched = await watchRun(run, deps, sink);
  if (watched.ended === 'result') return watched.result;
  if (watched.ended === 'stopped-watching') {
    throw stoppedWatching(run, deps);
  }
  const failure = readFailure(watched.error);
  writeFailure(deps, `${what}${phaseText(watched.last)}`, failure, { json });
  throw new CommandEnd(exitCodeOf(failure, { duringPreflight: failedPhase(watched.last) === 'preflight' }));
}

/** The same for a run that shows no progress; its failure is the caller's. */
export async function awaitRun<R>(run: StartedRun<R>, deps: Pick<CliDeps, 'signal' | 'stderr'>): Promise<R> {
  try {
    return await run.result(deps.signal);
  } catch (error) {
    throw deps.signal.aborted ? stoppedWatching(run, deps) : error;
  }
}

function stoppedWatching({ workflowId }: { readonly workflowId: string }, { stderr }: Pick<CliDeps, 'stderr'>) {
  stderr.write(
    `stopped watching; the run goes on. To end it:\n  temporal workflow cancel --workflow-id ${workflowId}\n`,
  );
  return new CommandEnd(EXIT.stoppedWatching);
}

function failedPhase(progress: BackupProgress | undefined): string | undefined {
  return progress?.phases.find(({ state }) => state === 'failed')?.phase;
}

function phaseText(progress: BackupProgress | undefined): string {
  const phase = failedPhase(progress);
  return phase === undefined ? '' : ` (${phase})`;
}
