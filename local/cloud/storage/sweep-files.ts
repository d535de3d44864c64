import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Cloud } from '../cloud.ts';

type SweepCloud = Pick<Cloud, 'db' | 'stateDir'>;

/** Files are removed only here, and only when nothing remembered stands on them. */
export async function sweepFiles(cloud: SweepCloud, closeSnapshot: (id: string) => Promise<void>): Promise<void> {
  const names = await readdir(join(cloud.stateDir, 'snapshots'));
  // After the listing: a record is older than its file, so whatever was listed and is wanted is known by now.
  const needed = neededSnapshots(cloud);
  for (const name of names) {
    const id = name.slice(0, name.indexOf('.'));
    if (needed.has(id)) continue;
    await closeSnapshot(id);
    await rm(join(cloud.stateDir, 'snapshots', name), { force: true });
  }
  for (const volumeId of await readdir(join(cloud.stateDir, 'volumes'))) await sweepVolume(cloud, volumeId);
}

/** Live snapshots, the ones that volumes stand on, and all their ancestors. */
function neededSnapshots({ db }: SweepCloud): Set<string> {
  const needed = new Set<string>();
  const live = db.snapshots.all().filter(({ state }) => state !== 'deleted' && state !== 'error');
  const bases = db.volumes.all().flatMap(({ base, lineage }) => [base, lineage]);
  for (const start of [...live.map(({ id }) => id), ...bases]) {
    for (let id = start; id !== undefined && !needed.has(id); id = db.snapshots.get(id)?.parentId) needed.add(id);
  }
  return needed;
}

async function sweepVolume(cloud: SweepCloud, volumeId: string): Promise<void> {
  const folder = join(cloud.stateDir, 'volumes', volumeId);
  const names = await readdir(folder).catch(() => []);
  // Asked again before each removal: a capture may begin meanwhile, and records its layer before making the file.
  for (const name of names) if (isLeftover(cloud, volumeId, name)) await rm(join(folder, name), { force: true });
  if (cloud.db.volumes.get(volumeId) === undefined && !hasUnfinished(cloud, volumeId)) {
    await rm(folder, { recursive: true, force: true });
  }
}

function isLeftover(cloud: SweepCloud, volumeId: string, name: string): boolean {
  const { layers = [], unsaved = [] } = cloud.db.volumes.get(volumeId) ?? {};
  return !hasUnfinished(cloud, volumeId) && ![...layers, ...unsaved].some((file) => basename(file) === name);
}

function hasUnfinished({ db }: SweepCloud, volumeId: string): boolean {
  return db.snapshots.all().some(({ volumeId: of, state }) => of === volumeId && /^(capturing|pending)$/.test(state));
}
