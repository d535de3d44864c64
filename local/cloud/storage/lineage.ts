import type { SnapshotRecord } from '../records.ts';
import { Bitmap } from './bitmap.ts';

/** What finding changes needs to know about snapshots; deleted ones stay known, since paths lead through them. */
export interface LineageSource {
  find(id: string): SnapshotRecord | undefined;
  changed(id: string): Bitmap;
}

/**
 * Blocks that may differ between two snapshots: the union of the changed sets on the path from one up to the other, or,
 * with `siblings`, on both paths down from their nearest common ancestor. Undefined: unrelated.
 */
export function changedBetween(
  source: LineageSource,
  firstId: string,
  secondId: string,
  siblings: boolean,
): Bitmap | undefined {
  const firstPath = pathToRoot(source, firstId);
  const secondPath = pathToRoot(source, secondId);
  const common = secondPath.find((id) => firstPath.includes(id));
  if (common === undefined) return undefined;
  if (!siblings && common !== firstId && common !== secondId) return undefined;
  const steps = [...until(firstPath, common), ...until(secondPath, common)];
  return steps.reduce((union, id) => union.union(source.changed(id)), new Bitmap(0));
}

/** The snapshot, its parent, and so on. */
function pathToRoot(source: LineageSource, id: string): string[] {
  const path: string[] = [];
  for (
    let at = source.find(id);
    at !== undefined;
    at = at.parentId === undefined ? undefined : source.find(at.parentId)
  ) {
    path.push(at.id);
  }
  return path;
}

function until(path: readonly string[], end: string): readonly string[] {
  return path.slice(0, path.indexOf(end));
}
