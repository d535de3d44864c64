import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Cloud } from '../cloud.ts';

type SweepCloud = Pick<Cloud, 'db' | 'stateDir'>;

/** Files are removed only here, and only when nothing remembered stands on them. */
export async function sweepFiles(cloud: SweepCloud, closeSnapshot: (id: string) => Promise<void>): Promise<void> {
  const needed = neededSnapshots(cloud);
  for (const name of await readdir(join(cloud.stateDir, 'snapshots'))) {
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

async function sweepVolume({ db, stateDir }: SweepCloud, volumeId: string): Promise<void> {
  const unfinished = db.snapshots
    .all()
    .some((snapshot) => snapshot.volumeId === volumeId && /^(capturing|pending)$/.test(snapshot.state));
  if (unfinished) return;
  const folder = join(stateDir, 'volumes', volumeId);
  const volume = db.volumes.get(volumeId);
  if (volume === undefined) return void (await rm(folder, { recursive: true, force: true }));
  const layers = new Set([...volume.layers, ...volume.unsaved].map((file) => basename(file)));
  for (const name of await readdir(folder).catch(() => [])) {
    if (!layers.has(name)) await rm(join(folder, name), { force: true });
  }
}
