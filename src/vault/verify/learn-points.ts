import { UnderstudyError } from '../../errors.ts';
import { mustKnow } from '../features.ts';
import { RunId } from '../fields.ts';
import type { Manifest } from '../manifest.ts';
import { pointKey } from '../object-keys.ts';
import { listPoints, readPoint } from '../points.ts';
import { readMap } from '../read-map.ts';
import { damageIn, type Finding } from './findings.ts';
import { learnPacks } from './known-packs.ts';
import { listNamedPoints, missedPoint } from './missed-points.ts';
import { readToldTombstone } from './told-tombstone.ts';
import type { Verification } from './verification.ts';

/** Which points are to be looked at, and the packs that they name. */
export async function learnPoints(work: Verification): Promise<void> {
  await (work.pointIds ? learnNamed(work, work.pointIds) : learnAll(work));
}

async function learnNamed(work: Verification, pointIds: readonly string[]): Promise<void> {
  const { vault, signal } = work;
  for (const pointId of new Set(pointIds)) {
    const manifest = await readPoint({ vault, pointId, signal });
    await learn(work, manifest, (await readToldTombstone(work, pointId)) === 'valid');
  }
}

async function learnAll(work: Verification): Promise<void> {
  const { vault, signal } = work;
  const missed = await listNamedPoints(work);
  const expired = await verifyTombstones(work);
  for await (const point of listPoints({ vault, signal })) {
    missed.delete(point.pointId);
    if (point.state === 'invalid') work.tell(invalidPoint(point.pointId, point.reason));
    if (point.state !== 'committed' || point.expired) continue;
    if (mayRead(work, point.manifest)) await learn(work, point.manifest, false);
  }
  for (const [pointId, line] of missed) if (!expired.has(pointId)) work.tell(missedPoint(pointId, line));
}

/** The points that valid tombstones end. */
async function verifyTombstones(work: Verification): Promise<ReadonlySet<string>> {
  const expired = new Set<string>();
  for await (const { key } of work.vault.store.list('tombstones/', work.signal)) {
    const pointId = /^tombstones\/(.*)\.json$/.exec(key)?.[1];
    if (pointId === undefined || !RunId.safeParse(pointId).success) continue;
    if ((await readToldTombstone(work, pointId)) === 'valid') expired.add(pointId);
  }
  return expired;
}

function mayRead({ tell }: Verification, { features, pointId }: Manifest): boolean {
  try {
    mustKnow(features.read, pointKey(pointId));
    return true;
  } catch (error) {
    if (!(error instanceof UnderstudyError)) throw error;
    const remains = 'it was not looked at; verify it with a later version';
    tell({ severity: 'notice', object: pointKey(pointId), found: error.message, remains, pointId });
    return false;
  }
}

async function learn(work: Verification, { pointId, committedAt, volumes }: Manifest, expired: boolean): Promise<void> {
  const { vault, known, points, signal, onProgress } = work;
  points.set(pointId, { committedAt, expired });
  for (const { volumeId, map: ref } of volumes) {
    try {
      const { packs } = await readMap(vault, { volumeId, map: ref }, signal);
      await learnPacks(vault, { known, packs }, signal);
    } catch (error) {
      // Named when the volume is judged.
      damageIn(error);
    }
  }
  onProgress?.({ step: 'points', done: points.size });
}

function invalidPoint(pointId: string, found: string): Finding {
  const remains = 'nothing through this point, which counts as abandoned; no other point needs it to be read';
  return { severity: 'damage', object: pointKey(pointId), found, remains, pointId };
}
