import type { Attestation } from './attestation.ts';
import { mustKnow } from './features.ts';
import { inOrder } from './in-order.ts';
import { holdsDisks } from './manifest.ts';
import { keysAreGone } from './may-write.ts';
import { catalogPrefix, pointKey } from './object-keys.ts';
import { readPointState } from './points.ts';
import { findTombstone } from './read-tombstone.ts';
import { readRunFacts } from './run-facts.ts';
import { isSound, readStanding } from './standing.ts';
import type { Vault } from './vault.ts';

/** A point as a possible parent. */
export interface LineagePoint {
  readonly pointId: string;
  /** Points whose objects it shares. */
  readonly parents: readonly string[];
  readonly expired: boolean;
  /** A verification was asked for that nobody has passed yet. */
  readonly unverified: boolean;
  readonly red: Attestation | undefined;
  /** ISO 8601: when every block of it was last read and found right; empty when never. */
  readonly provenAt: string;
}

export interface RefusedParent {
  readonly pointId: string;
  /** One sentence. */
  readonly reason: string;
  /** Its latest verification speaks against it. */
  readonly red?: true;
}

export interface Lineage {
  /** Points that the next run of the machine may build on, newest first. */
  readonly parents: readonly string[];
  readonly refused: readonly RefusedParent[];
}

// Each point costs four small requests of some 20 ms.
const READS_AT_ONCE = 8;
// A year of nights. Older ones are no parents: they share little with the machine of today.
const MOST_POINTS = 366;

/**
 * Which points of a machine may be parents: committed, not expired, not red by the latest valid attestation, verified
 * where that was asked for, and not sharing objects with a point that a later verification found damaged.
 */
export async function findParents(request: {
  readonly vault: Vault;
  readonly machineId: string;
  readonly signal: AbortSignal;
}): Promise<Lineage> {
  const { vault, machineId, signal } = request;
  const ids: string[] = [];
  // The catalog only tells where to look; what counts is read from the points themselves.
  for await (const { key } of vault.store.list(catalogPrefix(machineId), signal)) {
    const pointId = /(\d{8}T\d{6}Z-[0-9a-f]{8})\.json$/.exec(key)?.[1];
    if (pointId !== undefined) ids.push(pointId);
  }
  const newest = [...new Set(ids.reverse())].slice(0, MOST_POINTS);
  const tasks = newest.map(
    (pointId) => (either: AbortSignal) => readLineagePoint(vault, { pointId, machineId }, either),
  );
  const points: LineagePoint[] = [];
  const refused: RefusedParent[] = [];
  for await (const found of inOrder(tasks, { depth: READS_AT_ONCE, signal })) {
    if ('reason' in found) refused.push(found);
    else points.push(found);
  }
  const judged = judgeLineage(points);
  return { parents: judged.parents, refused: [...judged.refused, ...refused] };
}

async function readLineagePoint(
  vault: Vault,
  { pointId, machineId }: { readonly pointId: string; readonly machineId: string },
  signal: AbortSignal,
): Promise<LineagePoint | RefusedParent> {
  const found = await readPointState(vault, pointId, signal);
  // To make a point beside it as if it were none would be to write under keys that somebody has put aside.
  if (found?.state === 'invalid' && found.unknownEpoch !== undefined) throw keysAreGone(vault, pointKey(pointId));
  if (found?.state !== 'committed') return { pointId, reason: `it is ${found?.state ?? 'not committed'}` };
  const { manifest } = found;
  if (!holdsDisks(manifest)) return { pointId, reason: 'it holds no disks' };
  if (manifest.machine.machineId !== machineId) return { pointId, reason: `it is of ${manifest.machine.machineId}` };
  try {
    mustKnow(manifest.features.read, pointId);
  } catch {
    return { pointId, reason: `it needs the features ${manifest.features.read.join(', ')}` };
  }
  const [standing, tombstone] = await Promise.all([
    readStanding({ vault, pointId, signal }),
    findTombstone(vault, { pointId, epoch: manifest.epoch, signal }),
  ]);
  return {
    pointId,
    parents: [...new Set(manifest.parents.map((parent) => parent.pointId))],
    expired: tombstone !== undefined,
    unverified: !isSound({ ...standing, red: undefined }, readRunFacts(manifest).verify),
    red: standing.red,
    provenAt: standing.provenAt,
  };
}

/** Newest first, in and out. */
export function judgeLineage(points: readonly LineagePoint[]): Lineage {
  const parents: string[] = [];
  const refused: RefusedParent[] = [];
  for (const point of points) {
    const reason = whyNot(point, points);
    if (reason === undefined) parents.push(point.pointId);
    else refused.push({ pointId: point.pointId, reason, ...(point.red && { red: true }) });
  }
  return { parents, refused };
}

function whyNot(point: LineagePoint, points: readonly LineagePoint[]): string | undefined {
  const { expired, red, unverified, provenAt } = point;
  if (expired) return 'it is expired';
  if (red) return `its verification ${red.runId} was red`;
  if (unverified) return 'it was to be verified and is not';
  const later = points.filter((one) => showsDamage(one) && one.red && one.red.finishedAt > provenAt);
  const related = later.length > 0 ? relativesOf(point, points) : [];
  const damaged = later.find((one) => related.includes(one));
  return damaged && `it may share damaged objects with ${damaged.pointId}, which was found red after it was verified`;
}

/**
 * A red point whose disks were read whole from the vault and confirmed has a broken application, not broken objects; then
 * its relatives are as good as before.
 */
function showsDamage({ red }: LineagePoint): boolean {
  return red !== undefined && red.consistency.disks.verdict !== 'confirmed';
}

/** All that may share an object with it: up, down and sideways, itself left out. */
function relativesOf(point: LineagePoint, points: readonly LineagePoint[]): readonly LineagePoint[] {
  const family = new Set([point.pointId, ...point.parents]);
  for (let grew = true; grew; ) {
    const before = family.size;
    for (const { pointId, parents } of points) {
      if (!family.has(pointId) && !parents.some((parent) => family.has(parent))) continue;
      for (const id of [pointId, ...parents]) family.add(id);
    }
    grew = family.size > before;
  }
  return points.filter(({ pointId }) => family.has(pointId) && pointId !== point.pointId);
}
