import { mkdir } from 'node:fs/promises';
import type { Cloud } from '../cloud.ts';
import { inBackground } from '../in-background.ts';
import type { VolumeRecord } from '../records.ts';
import { gibToBytes } from './bitmap.ts';
import { layerFile, snapshotDisk, volumeFolder } from './layout.ts';
import { createOverlay, rebaseUnsafe } from './qemu-img.ts';

/** The disk side of a volume that does not exist yet; `createVolumeFiles` makes its files. */
export function plannedLayers(cloud: Cloud, volumeId: string, snapshotId: string | undefined) {
  const layer = layerFile(cloud.stateDir, volumeId, 0);
  const origin = snapshotId === undefined ? {} : { base: snapshotId, lineage: snapshotId };
  return { ...origin, layers: [layer], unsaved: [layer], nextLayer: 1 };
}

/** One empty overlay over the snapshot: instant, whatever the size. Repeatable before first use. */
export async function createVolumeFiles(cloud: Cloud, volume: VolumeRecord): Promise<void> {
  await mkdir(volumeFolder(cloud.stateDir, volume.id), { recursive: true });
  await createOverlay(cloud.settings.qemu.img, {
    file: volume.layers[0] ?? '',
    backingFile: volume.base === undefined ? undefined : snapshotDisk(cloud.stateDir, volume.base),
    bytes: gibToBytes(volume.sizeGiB),
  });
}

/** Takes a `creating` volume that no machine has to `available`, in its own turn: whoever wants it gone or read waits. */
export function makeVolume(cloud: Cloud, volume: VolumeRecord): Promise<void> {
  return cloud.machines.inTurn(volume.id, async () => {
    await createVolumeFiles(cloud, volume);
    cloud.db.volumes.update(volume.id, { state: 'available' });
  });
}

/** After a start: volumes that were being made are made; those of a machine are its launch's. No start fails on one. */
export function finishVolumes(cloud: Cloud): void {
  for (const volume of cloud.db.volumes.all()) {
    if (volume.state === 'creating' && volume.attachment === undefined)
      inBackground(`making ${volume.id}`, makeVolume(cloud, volume));
  }
}

/**
 * Puts the top layer of a volume that nobody has open directly on its newest snapshot, which holds the same bytes as
 * the layers between. Does nothing while a snapshot of it is unfinished.
 */
export async function shortenChain(cloud: Cloud, volumeId: string): Promise<void> {
  const { db, stateDir, settings } = cloud;
  const volume = db.volumes.get(volumeId);
  const unfinished = db.snapshots
    .all()
    .some((snapshot) => snapshot.volumeId === volumeId && /^(capturing|pending)$/.test(snapshot.state));
  if (volume?.lineage === undefined || unfinished || volume.base === volume.lineage) return;
  const top = volume.layers.at(-1);
  const saved = db.snapshots.get(volume.lineage);
  // Only if exactly the top layer is newer: after a failed snapshot older layers hold unsaved blocks too.
  if (top === undefined || volume.unsaved.length !== 1 || volume.unsaved[0] !== top || saved?.completedAt === undefined)
    return;
  await rebaseUnsafe(settings.qemu.img, top, snapshotDisk(stateDir, saved.id));
  db.volumes.update(volumeId, { base: saved.id, layers: [top] });
}
