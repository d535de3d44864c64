import { rm, stat } from 'node:fs/promises';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import { newId } from '../ids.ts';
import type { SnapshotRecord, Tags, VolumeRecord } from '../records.ts';
import { gibToBytes } from './bitmap.ts';
import { layerFile } from './layout.ts';
import { createOverlay } from './qemu-img.ts';

export interface CaptureRequest {
  readonly volumes: readonly VolumeRecord[];
  readonly description: string;
  readonly tagsOf: (volume: VolumeRecord) => Tags;
}

/**
 * Freezes all volumes at one instant: on a running machine by one QMP transaction that gives each disk a new layer, so
 * the guest never stops; else by new layers on the files. Order: intent, switch, commit. A kill between them is judged
 * at the next start by what the machine or the files show (`recoverCaptures`).
 */
export async function captureVolumes(cloud: Cloud, request: CaptureRequest): Promise<SnapshotRecord[]> {
  checkRates(cloud, request.volumes);
  const startedAt = cloud.now(); // before the transaction: the point in time is never later than what is claimed
  const planned: SnapshotRecord[] = [];
  cloud.store.together(() => {
    for (const volume of request.volumes) {
      planned.push(cloud.db.snapshots.put(plan(cloud, volume, startedAt, request)));
      cloud.db.volumes.update(volume.id, { nextLayer: volume.nextLayer + 1 });
    }
  });
  try {
    await switchLayers(cloud, request.volumes, planned);
  } catch (error) {
    for (const snapshot of planned) await abandon(cloud, snapshot);
    throw new CloudError('InternalError', `the capture failed: ${String(error)}`, { httpStatus: 500 });
  }
  return planned.map(({ id }) => commit(cloud, id));
}

function checkRates({ db, settings, now }: Cloud, volumes: readonly VolumeRecord[]): void {
  const { spacingMs, maxPendingPerVolume } = settings.snapshots;
  for (const { id } of volumes) {
    const earlier = db.snapshots.all().filter((snapshot) => snapshot.volumeId === id);
    if (earlier.some(({ startedAt }) => now() - startedAt < spacingMs)) {
      throw new CloudError(
        'SnapshotCreationPerVolumeRateExceeded',
        `The maximum per volume CreateSnapshot request rate has been exceeded (${id}).`,
      );
    }
    // Failed ones count too until somebody deletes them.
    const open = earlier.filter(({ state }) => state === 'pending' || state === 'capturing' || state === 'error');
    if (open.length >= maxPendingPerVolume) {
      throw new CloudError(
        'ConcurrentSnapshotLimitExceeded',
        `Maximum allowed in-progress snapshots for a single volume exceeded (${id}).`,
      );
    }
  }
}

function plan(
  cloud: Cloud,
  volume: VolumeRecord,
  startedAt: number,
  { description, tagsOf }: CaptureRequest,
): SnapshotRecord {
  return {
    id: newId('snap'),
    createdAt: startedAt,
    startedAt,
    tags: tagsOf(volume),
    state: 'capturing',
    origin: 'capture',
    description,
    volumeId: volume.id,
    sizeGiB: volume.sizeGiB,
    progress: 0,
    encrypted: volume.encrypted,
    ...(volume.kmsKeyArn !== undefined && { kmsKeyArn: volume.kmsKeyArn }),
    ...(volume.lineage !== undefined && { parentId: volume.lineage }),
    frozen: { layers: volume.unsaved, newLayer: layerFile(cloud.stateDir, volume.id, volume.nextLayer) },
    listing: 0,
  };
}

async function switchLayers(
  cloud: Cloud,
  volumes: readonly VolumeRecord[],
  planned: readonly SnapshotRecord[],
): Promise<void> {
  const switches = volumes.map((volume, index) => ({
    bytes: gibToBytes(volume.sizeGiB),
    top: volume.layers.at(-1) ?? '',
    newLayer: planned[index]?.frozen?.newLayer ?? '',
    instanceId: volume.attachment?.instanceId,
  }));
  const instanceId = switches[0]?.instanceId;
  if (instanceId !== undefined && cloud.machines.isUp(instanceId))
    return cloud.machines.switchLayers(instanceId, switches);
  for (const { newLayer, top, bytes } of switches) {
    await createOverlay(cloud.settings.qemu.img, { file: newLayer, backingFile: top, bytes });
  }
}

function commit(cloud: Cloud, id: string): SnapshotRecord {
  const { db, store } = cloud;
  const { frozen, volumeId } = db.snapshots.get(id) ?? {};
  const volume = db.volumes.get(volumeId ?? '');
  if (frozen === undefined || volume === undefined) throw new Error(`${id} cannot be committed: its volume is gone`);
  store.together(() => {
    db.volumes.update(volume.id, {
      layers: [...volume.layers, frozen.newLayer],
      unsaved: [frozen.newLayer],
      lineage: id,
    });
    // The clock again, for "visible since": StartTime stays what it was.
    db.snapshots.update(id, { state: 'pending', createdAt: cloud.now() });
  });
  void cloud.snapshots.drive(id);
  return db.snapshots.get(id) as SnapshotRecord;
}

async function abandon({ db }: Cloud, { id, frozen }: SnapshotRecord): Promise<void> {
  db.snapshots.remove(id);
  if (frozen !== undefined) await rm(frozen.newLayer, { force: true });
}

/** After a start: each capture that was under way either happened for all its volumes or for none. */
export async function recoverCaptures(cloud: Cloud): Promise<void> {
  const unfinished = cloud.db.snapshots.all().filter(({ state }) => state === 'capturing');
  const open = unfinished.filter(({ volumeId }) => cloud.db.volumes.get(volumeId) !== undefined);
  // Without its volume there is nothing to commit to, and a start must not fail on it.
  for (const snapshot of unfinished) if (!open.includes(snapshot)) await abandon(cloud, snapshot);
  for (const startedAt of new Set(open.map((snapshot) => snapshot.startedAt))) {
    const set = open.filter((snapshot) => snapshot.startedAt === startedAt);
    const happened = await Promise.all(set.map((snapshot) => isSwitched(cloud, snapshot)));
    for (const snapshot of set) {
      if (happened.every(Boolean)) commit(cloud, snapshot.id);
      else await abandon(cloud, snapshot);
    }
  }
}

async function isSwitched(cloud: Cloud, { frozen, volumeId }: SnapshotRecord): Promise<boolean> {
  if (frozen === undefined) return false;
  const instanceId = cloud.db.volumes.get(volumeId)?.attachment?.instanceId;
  if (instanceId !== undefined && cloud.machines.isUp(instanceId))
    return cloud.machines.usesLayer(instanceId, frozen.newLayer);
  // Nobody has it open: a whole new layer, even an empty one, reads the same as the frozen layer below it.
  return ((await stat(frozen.newLayer).catch(() => undefined))?.size ?? 0) > 0;
}
