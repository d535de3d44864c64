import { isDeepStrictEqual } from 'node:util';
import type { BackupProgress } from '../contract/progress.ts';
import type { CliDeps, Output } from './deps.ts';
import { readFailure } from './failure.ts';
import type { JsonLines } from './json-lines.ts';
import { renderPhase, renderProgress } from './progress-view.ts';
import { terminalText } from './terminal-text.ts';
import type { ProgressSink } from './watch-run.ts';

/** Programs get lines on standard output, terminals a live table on standard error, logs one line per phase there. */
export async function progressSink(
  { stderr, now }: Pick<CliDeps, 'stderr' | 'now'>,
  json?: JsonLines,
): Promise<ProgressSink> {
  if (json) return jsonSink(json);
  return isTerminal(stderr) ? liveSink(stderr, now) : plainSink(stderr, now);
}

function jsonSink(json: JsonLines): ProgressSink {
  let shown: BackupProgress | undefined;
  return {
    show(progress) {
      if (isDeepStrictEqual(progress, shown)) return;
      json.progress(progress);
      shown = progress;
    },
    unavailable: () => {},
    end: () => {},
  };
}

type Terminal = Output & NodeJS.WritableStream;

function isTerminal(output: Output): output is Terminal {
  return output.isTTY === true && 'on' in output;
}

async function liveSink(stderr: Terminal, now: () => Date): Promise<ProgressSink> {
  // Only terminals need its thirty modules.
  const { createLogUpdate } = await import('log-update');
  const draw = createLogUpdate(stderr);
  const note = waitingNote();
  let lines: readonly string[] = [];
  return {
    show(progress) {
      note.reset();
      lines = renderProgress(progress, now());
      draw(lines.join('\n'));
    },
    unavailable(error) {
      const text = note.next(error);
      if (text) draw([...lines, text].join('\n'));
    },
    end: () => draw.done(),
  };
}

/** One line when a phase begins to be worth telling: when it has ended. */
function plainSink(stderr: Output, now: () => Date): ProgressSink {
  const told = new Set<string>();
  const note = waitingNote();
  return {
    show(progress) {
      note.reset();
      for (const phase of progress.phases) {
        if (phase.state === 'waiting' || phase.state === 'running' || told.has(phase.phase)) continue;
        told.add(phase.phase);
        stderr.write(`${renderPhase(phase, now())}\n`);
      }
    },
    unavailable(error) {
      const text = note.next(error);
      if (text) stderr.write(`${text}\n`);
    },
    end: () => {},
  };
}

// The first looks fail as a matter of course: the run has been asked for and no worker has taken it up yet.
const PATIENCE_LOOKS = 5;

function waitingNote() {
  let failures = 0;
  return {
    reset() {
      failures = 0;
    },
    /** Once per outage. */
    next(error: unknown): string | undefined {
      failures++;
      if (failures !== PATIENCE_LOOKS) return undefined;
      return `… waiting: ${terminalText(readFailure(error).message)} (are both workers running?)`;
    },
  };
}
