import { FormatError } from '../../errors.ts';
import { readDocument } from '../documents.ts';
import { sessionKey } from '../object-keys.ts';
import { ifPresent } from '../presence.ts';
import { SESSION } from '../run.ts';
import type { Known, UnreadablePoint } from './read-live.ts';
import type { SurveyRequest } from './survey.ts';

/** What an unreadable point could name, by run, with the point; or everything there is. */
export type Protection =
  | { readonly kind: 'runs'; readonly runs: ReadonlyMap<string, string> }
  | { readonly kind: 'everything'; readonly because: string };

/**
 * A point names objects of its own run and of its parents' only, theirs of their parents' and so on. So the runs of its
 * ancestors are left alone, by what manifests and sessions say of parents; where neither can be read, everything is.
 */
export async function protectAncestors(
  request: SurveyRequest,
  { unreadable, known }: { readonly unreadable: readonly UnreadablePoint[]; readonly known: Known },
): Promise<Protection> {
  const runs = new Map<string, string>();
  for (const { pointId } of unreadable) {
    const waiting = [pointId];
    for (let runId = waiting.pop(); runId !== undefined; runId = waiting.pop()) {
      if (runs.has(runId)) continue;
      runs.set(runId, pointId);
      const parents = await parentsOf(request, runId, known);
      if (parents === 'unknown') return { kind: 'everything', because: pointId };
      waiting.push(...parents);
    }
  }
  return { kind: 'runs', runs };
}

async function parentsOf(
  { vault, signal }: SurveyRequest,
  runId: string,
  { outcomes, listing }: Known,
): Promise<readonly string[] | 'unknown'> {
  const outcome = outcomes.get(runId);
  const named = outcome?.state === 'committed' ? outcome.parents : undefined;
  const candidates = await readCandidates({ vault, signal }, runId);
  if (named || candidates) return [...(named ?? []), ...(candidates ?? [])];
  // Nothing of such a run is here, so it never was one: somebody put an object at points/ that is no point.
  return listing.objects.has(runId) ? 'unknown' : [];
}

async function readCandidates(
  { vault, signal }: Pick<SurveyRequest, 'vault' | 'signal'>,
  runId: string,
): Promise<readonly string[] | undefined> {
  try {
    const session = await ifPresent(readDocument(SESSION, { vault, key: sessionKey(runId) }, signal));
    return session?.candidateParents.map(({ pointId }) => pointId);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
