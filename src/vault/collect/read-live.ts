import { readIndexRoot } from '../file-index/index-objects.ts';
import { listKept } from '../holds.ts';
import { inOrder, type Task } from '../in-order.ts';
import { isDamage } from '../is-damage.ts';
import { mapKey, pointKey } from '../object-keys.ts';
import { ifPresent } from '../presence.ts';
import { type MapName, readMap } from '../read-map.ts';
import type { Session } from '../session.ts';
import type { VolumeMap } from '../volume-map.ts';
import { IdSet } from './id-set.ts';
import type { Listing } from './list-objects.ts';
import { type Protection, protectAncestors } from './protect-ancestors.ts';
import type { Outcomes } from './read-outcomes.ts';
import { AT_A_TIME, type InvalidObject, type SurveyRequest } from './survey.ts';

/** Why the objects of a committed point stay. */
export type LiveReason = 'committed' | 'pinned' | 'held' | 'locked';

export interface UnreadablePoint {
  readonly pointId: string;
  readonly key: string;
  readonly reason: string;
}

export interface LiveObjects {
  readonly points: ReadonlyMap<string, LiveReason>;
  /** Packs, segments, maps and pages of file indexes that a live point names. */
  readonly ids: IdSet;
  /** Live points of which something cannot be read: nothing that they could name is condemned. */
  readonly unreadable: readonly UnreadablePoint[];
  readonly protection: Protection;
  /** File indexes that cannot be read: they protect nothing, since the disks say the same. */
  readonly damagedIndexes: readonly InvalidObject[];
}

export interface Known {
  readonly expired: ReadonlySet<string>;
  readonly sessions: ReadonlyMap<string, Session>;
  readonly outcomes: Outcomes;
  readonly listing: Listing;
}

/** What may still be read, and everything it names. */
export async function readLive(request: SurveyRequest, known: Known): Promise<LiveObjects> {
  const wanted = await findWanted(request, known);
  const points = findLivePoints(request, { known, wanted });
  const ids = new IdSet();
  const unreadable = await findUnreadable(request, { known, wanted, points });
  const { atATime = AT_A_TIME, signal, onProgress } = request;
  // Fewer side by side than small documents: the map of a full 16 TiB has 42 MB, and takes 130 when decoded.
  const depth = Math.min(atATime, 2);
  for await (const { name, map } of inOrder(readMaps(request, points, known), { depth, signal })) {
    ids.add(name.map.mapId);
    if ('reason' in map) unreadable.push(map);
    else addNamed(ids, map);
    onProgress?.('maps');
  }
  const protection = await protectAncestors(request, { unreadable, known });
  const damagedIndexes = await readIndexes(request, { known, points, ids });
  return { points, ids, unreadable, protection, damagedIndexes };
}

/** Points that somebody wants though a tombstone stands. */
interface Wanted {
  /** By a run under way that may build on it. */
  readonly pinned: ReadonlySet<string>;
  readonly held: ReadonlySet<string>;
}

async function findWanted({ vault, signal }: SurveyRequest, { sessions, outcomes }: Known): Promise<Wanted> {
  const pinned = new Set<string>();
  for (const [runId, { candidateParents }] of sessions) {
    if (!outcomes.has(runId)) for (const { pointId } of candidateParents) pinned.add(pointId);
  }
  return { pinned, held: await listKept({ vault, signal }) };
}

/** Held and locked points stay though a tombstone stands: who holds one wants its bytes, and locked bytes cannot go. */
function findLivePoints(
  { vault }: SurveyRequest,
  { known: { expired, outcomes }, wanted: { pinned, held } }: { readonly known: Known; readonly wanted: Wanted },
): ReadonlyMap<string, LiveReason> {
  const now = vault.clock.now().getTime();
  const points = new Map<string, LiveReason>();
  for (const [pointId, outcome] of outcomes) {
    if (outcome.state !== 'committed') continue;
    if (!expired.has(pointId)) points.set(pointId, 'committed');
    else if (pinned.has(pointId)) points.set(pointId, 'pinned');
    else if (held.has(pointId)) points.set(pointId, 'held');
    else if (outcome.lockedUntil > now) points.set(pointId, 'locked');
  }
  return points;
}

interface Judged {
  readonly known: Known;
  readonly wanted: Wanted;
  readonly points: ReadonlyMap<string, LiveReason>;
}

/** Before any map is read: what stands at points/ without being proven could be a commit that was damaged. */
async function findUnreadable(
  request: SurveyRequest,
  { known: { expired, outcomes }, wanted, points }: Judged,
): Promise<UnreadablePoint[]> {
  const unreadable: UnreadablePoint[] = [];
  for (const [pointId, outcome] of outcomes) {
    const key = pointKey(pointId);
    if (outcome.state === 'invalid' && (!expired.has(pointId) || (await isWanted(request, pointId, wanted)))) {
      unreadable.push({ pointId, key, reason: outcome.reason });
    } else if (outcome.state === 'committed' && outcome.unknown.length > 0 && points.has(pointId)) {
      const reason = `needs the features ${outcome.unknown.join(', ')} for deleting, which this version does not know`;
      unreadable.push({ pointId, key, reason });
    }
  }
  return unreadable;
}

/** The lock that its manifest would tell is the one of its own object, which is as long or longer. */
async function isWanted({ vault, signal }: SurveyRequest, pointId: string, { pinned, held }: Wanted): Promise<boolean> {
  if (pinned.has(pointId) || held.has(pointId)) return true;
  // Asked only where the configuration locks: elsewhere the answer is known.
  if (!vault.lock) return false;
  return (await ifPresent(vault.store.retentionOf(pointKey(pointId), signal))) !== undefined;
}

interface FoundMap {
  readonly name: MapName;
  readonly map: VolumeMap | UnreadablePoint;
}

function* readMaps(
  { vault }: SurveyRequest,
  points: ReadonlyMap<string, LiveReason>,
  { outcomes }: Known,
): Iterable<Task<FoundMap>> {
  for (const [pointId, outcome] of outcomes) {
    if (outcome.state !== 'committed' || !points.has(pointId)) continue;
    for (const name of outcome.volumes) {
      yield async (signal) => {
        try {
          return { name, map: await readMap(vault, name, signal) };
        } catch (error) {
          if (!isDamage(error)) throw error; // a store that does not answer ends the survey: who cannot look does not collect
          const key = mapKey(name.map.runId, name.volumeId, name.map.mapId);
          return { name, map: { pointId, key, reason: error.message } };
        }
      };
    }
  }
}

function addNamed(ids: IdSet, { packs, segments }: VolumeMap): void {
  for (const { packId } of packs) ids.add(packId);
  for (const segment of segments) if (segment) ids.add(segment.segmentId);
}

/** Pages of an expired point stay while the index of a live one names them. */
async function readIndexes(
  { vault, signal, atATime = AT_A_TIME, onProgress }: SurveyRequest,
  {
    known,
    points,
    ids,
  }: { readonly known: Known; readonly points: ReadonlyMap<string, LiveReason>; readonly ids: IdSet },
): Promise<readonly InvalidObject[]> {
  const damaged: InvalidObject[] = [];
  const tasks = [...known.listing.objects.indexes()]
    .filter(({ runId }) => points.has(runId))
    .map(({ key, runId: pointId }) => async (ours: AbortSignal) => {
      const indexId = key.slice(key.lastIndexOf('/') + 1, -'.idx'.length);
      try {
        return await readIndexRoot(vault, { pointId, indexId }, ours);
      } catch (error) {
        if (!isDamage(error)) throw error;
        damaged.push({ key, reason: error.message });
        return undefined;
      }
    });
  for await (const index of inOrder(tasks, { depth: atATime, signal })) {
    for (const { pageId } of index?.pages ?? []) ids.add(pageId);
    onProgress?.('indexes');
  }
  return damaged;
}
