import { RunId } from '../fields.ts';
import { inOrder, type Task } from '../in-order.ts';
import { type PointState, readPointState } from '../points.ts';
import type { MapName } from '../read-map.ts';
import { AT_A_TIME, type SurveyRequest } from './survey.ts';

/** How a run ended. What is kept of a point is small: 100 points a day for ten years take about 250 MB. */
export type Outcome =
  | {
      readonly state: 'committed';
      readonly volumes: readonly MapName[];
      readonly parents: readonly string[];
      /** Milliseconds since the epoch: until then a lock holds its packs; 0 without. */
      readonly lockedUntil: number;
      /** Features of deletion that this version does not know. */
      readonly unknown: readonly string[];
    }
  | { readonly state: 'abandoned' }
  | { readonly state: 'invalid'; readonly reason: string };

/** Runs that are not here are undecided. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** (g5) Every decision there is. Final, each of them. */
export async function readOutcomes(request: SurveyRequest): Promise<Outcomes> {
  const { atATime = AT_A_TIME, signal, onProgress } = request;
  const outcomes = new Map<string, Outcome>();
  for await (const found of inOrder(readEach(request), { depth: atATime, signal })) {
    if (found) outcomes.set(found.pointId, outcomeOf(found));
    onProgress?.('points');
  }
  return outcomes;
}

async function* readEach({ vault, signal }: SurveyRequest): AsyncIterable<Task<PointState | undefined>> {
  for await (const runId of listRunIds({ vault, signal })) yield (ours) => readPointState(vault, runId, ours);
}

/** Run ids with a decision, unread. */
export async function listDecided(request: SurveyRequest): Promise<ReadonlySet<string>> {
  const decided = new Set<string>();
  for await (const runId of listRunIds(request)) decided.add(runId);
  return decided;
}

async function* listRunIds({ vault, signal }: Pick<SurveyRequest, 'vault' | 'signal'>): AsyncIterable<string> {
  for await (const { key } of vault.store.list('points/', signal)) {
    const runId = /^points\/(.+)\.json$/.exec(key)?.[1];
    if (runId !== undefined && RunId.safeParse(runId).success) yield runId;
  }
}

function outcomeOf(found: PointState): Outcome {
  if (found.state === 'abandoned') return { state: 'abandoned' };
  if (found.state === 'invalid') return { state: 'invalid', reason: found.reason };
  const { volumes, parents, retention, features } = found.manifest;
  return {
    state: 'committed',
    volumes: volumes.map(({ volumeId, map: { runId, mapId, mapBytes } }) => ({
      volumeId,
      map: { runId, mapId, mapBytes },
    })),
    parents: [...new Set(parents.map((parent) => parent.pointId))],
    lockedUntil: retention.retainUntil === null ? 0 : Date.parse(retention.retainUntil),
    unknown: features.delete,
  };
}
