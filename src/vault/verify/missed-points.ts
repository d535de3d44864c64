import { pointKey } from '../object-keys.ts';
import type { Finding } from './findings.ts';
import type { Verification } from './verification.ts';

/** By the id of the point that a catalog line names: the key of the line. */
export type NamedPoints = Map<string, string>;

/**
 * To be asked before points are listed: a line is written after its point, so a point whose line is seen here is among those
 * listed later, or was deleted.
 */
export async function listNamedPoints({ vault, signal }: Verification): Promise<NamedPoints> {
  const named: NamedPoints = new Map();
  for await (const { key } of vault.store.list('catalog/', signal)) {
    const pointId = /(\d{8}T\d{6}Z-[0-9a-f]{8})\.json$/.exec(key)?.[1];
    if (pointId !== undefined) named.set(pointId, key);
  }
  return named;
}

/** A notice and no damage: a line decides nothing, and whoever may add objects can add one of a point that never was. */
export function missedPoint(pointId: string, line: string): Finding {
  const object = pointKey(pointId);
  const found = `${object} does not exist, no tombstone says that it has expired, and ${line} names it`;
  const remains =
    'its run counts as undecided: bring the object back from a copy or an older version before a collection ends the run; if there never was such a point, find out who wrote the line';
  return { severity: 'notice', object, found, remains, pointId };
}
