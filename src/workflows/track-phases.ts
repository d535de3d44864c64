import { setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { BackupProgress, PhaseProgress, VolumeProgress } from '../contract/progress.ts';
import { progressQuery } from '../contract/queries.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { markdownText } from './markdown.ts';

type Name = PhaseProgress['phase'];
type AttributeKey = (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES];

export interface PhaseTrackerOptions<P extends Name> {
  readonly runId: string;
  readonly title: string;
  readonly phases: readonly P[];
  /** Whether the namespace has the search attributes; without them everything works but the search. */
  readonly searchAttributes: boolean;
  /** Upserted together with the first phase. */
  readonly attributes?: readonly { readonly key: AttributeKey; readonly value: string }[];
}

export interface PhaseTracker<P extends Name> {
  /** Runs one phase and shows how it went; `summarize` gives its line. */
  run<T>(phase: P, work: () => Promise<T>, summarize?: (result: T) => string): Promise<T>;
  /** The summary of a running phase, from inside it. */
  note(phase: P, summary: string): void;
  volumes(volumes: readonly VolumeProgress[]): void;
  /** Phases that never began are over now; the outcome becomes searchable. */
  finish(outcome: 'done' | 'failed' | 'green' | 'red'): readonly PhaseProgress[];
  /** The phase that failed. */
  failed(): P | undefined;
  /** What the phases that are done took, in their order. */
  taken(): readonly { readonly phase: P; readonly ms: number }[];
}

/** Keeps the workflow's query, its details in the UI and its search attribute in step with where it is. */
export function trackPhases<P extends Name>(options: PhaseTrackerOptions<P>): PhaseTracker<P> {
  const { runId, title, phases, attributes = [] } = options;
  const states = new Map<P, PhaseProgress>(phases.map((phase) => [phase, { phase, state: 'waiting' }]));
  let volumes: readonly VolumeProgress[] = [];
  let failed: P | undefined;

  const progress = (): BackupProgress => ({
    runId,
    workflowId: workflowInfo().workflowId,
    phases: [...states.values()],
    volumes,
  });
  const show = () => setCurrentDetails(describe(title, progress()));
  const set = (phase: P, change: Partial<PhaseProgress>) => {
    states.set(phase, { ...(states.get(phase) ?? { phase, state: 'waiting' }), ...change });
    show();
  };

  let firstAttributes = attributes;
  const upsert = (key: AttributeKey, value: string) => {
    if (!options.searchAttributes) return;
    upsertSearchAttributes([...firstAttributes, { key, value }]);
    firstAttributes = [];
  };

  setHandler(progressQuery, progress, { description: 'Phases with times, volumes with bytes' });
  show();

  return {
    async run(phase, work, summarize) {
      set(phase, { state: 'running', startedAt: now() });
      upsert(SEARCH_ATTRIBUTES.phase, phase);
      try {
        const result = await work();
        set(phase, { state: 'done', endedAt: now(), ...(summarize && { summary: summarize(result) }) });
        return result;
      } catch (error) {
        failed ??= phase;
        set(phase, { state: 'failed', endedAt: now() });
        throw error;
      }
    },
    note: (phase, summary) => set(phase, { summary }),
    volumes(next) {
      volumes = next;
      show();
    },
    finish(outcome) {
      upsert(SEARCH_ATTRIBUTES.outcome, outcome);
      for (const [phase, { state }] of states) if (state === 'waiting') set(phase, { state: 'skipped' });
      return [...states.values()];
    },
    failed: () => failed,
    taken: () =>
      [...states].flatMap(([phase, { state, startedAt, endedAt }]) =>
        state === 'done' && startedAt !== undefined && endedAt !== undefined
          ? [{ phase, ms: Date.parse(endedAt) - Date.parse(startedAt) }]
          : [],
      ),
  };
}

function now(): string {
  return new Date().toISOString();
}

function describe(title: string, { runId = '', phases, volumes }: BackupProgress): string {
  const rows = phases.map(
    ({ phase, state, startedAt, endedAt, summary }) =>
      `| ${phase} | ${state} | ${took(startedAt, endedAt)} | ${markdownText(summary ?? '', 300)} |`,
  );
  const disks = volumes.map(
    ({ volumeId, bytesTotal, bytesRead, bytesStored }) =>
      `| ${volumeId} | ${megabytes(bytesTotal)} | ${megabytes(bytesRead)} | ${megabytes(bytesStored)} |`,
  );
  return [
    `### ${markdownText(title)}`,
    `Run ${runId}`,
    '',
    '| phase | state | took | |',
    '|---|---|---|---|',
    ...rows,
    ...(disks.length > 0 ? ['', '| volume | size | read | stored |', '|---|---|---|---|', ...disks] : []),
  ].join('\n');
}

function took(startedAt?: string, endedAt?: string): string {
  if (startedAt === undefined) return '';
  if (endedAt === undefined) return `since ${startedAt.slice(11, 19)} UTC`;
  return `${((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
