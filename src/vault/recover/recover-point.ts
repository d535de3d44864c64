import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../../errors.ts';
import { makeFolders } from '../../make-folders.ts';
import { writing } from '../image/image-target.ts';
import type { MissingBlocks } from '../image/salvage.ts';
import { type WriteProgress, type WrittenVolume, writeVolume } from '../image/write-volume.ts';
import { isDamage } from '../is-damage.ts';
import type { Manifest, ManifestVolume } from '../manifest.ts';
import { mapKey } from '../object-keys.ts';
import { countBlocks } from '../parameters.ts';
import type { Vault } from '../vault.ts';
import { findPoint, type UnreadablePoint } from './find-point.ts';
import { type MissingEvidence, type RecoveredEvidence, recoverEvidence, writeNewFile } from './recover-evidence.ts';

export interface RecoverRequest {
  readonly vault: Vault;
  readonly pointId: string | 'latest';
  /** With latest: of this machine. */
  readonly machineId?: string | undefined;
  /** With latest: told of each newer point that cannot be read. */
  readonly onUnreadable?: ((point: UnreadablePoint) => void) | undefined;
  /** Made if it is not there. */
  readonly folder: string;
  /** All of the point's if none are named. */
  readonly volumeIds?: readonly string[] | undefined;
  readonly evidence?: boolean | undefined;
  /** Recover whatever can be, and list what is missing. */
  readonly keepGoing?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: WriteProgress & { readonly volumeId: string }) => void;
  readonly onVolume?: (volume: RecoveredVolume) => void;
}

export interface RecoveredVolume extends WrittenVolume {
  readonly volumeId: string;
  readonly role: ManifestVolume['role'];
}

export interface RecoveredPoint {
  readonly manifest: Manifest;
  readonly volumes: readonly RecoveredVolume[];
  readonly evidence: readonly RecoveredEvidence[];
  readonly missing: readonly (MissingBlocks | MissingEvidence)[];
}

/**
 * Rebuilds a recovery point's volumes as raw images, `<volumeId>.raw`, beside its manifest. Repeatable: it goes on with
 * what an earlier attempt left, and proves what is finished. Needs the data and meta roots and nothing else.
 */
export async function recoverPoint(request: RecoverRequest): Promise<RecoveredPoint> {
  const { vault, folder, keepGoing = false, signal } = request;
  const manifest = await findPoint(request);
  const chosen = chooseVolumes(manifest, request.volumeIds);
  await writing(folder, () => makeFolders(folder));
  await writeNewFile(join(folder, 'manifest.json'), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  const volumes: RecoveredVolume[] = [];
  for (const volume of chosen) {
    const recovered = { volumeId: volume.volumeId, role: volume.role, ...(await recoverVolume(request, volume)) };
    request.onVolume?.(recovered);
    volumes.push(recovered);
  }
  const sealed = { evidence: [], missing: [] };
  const { evidence, missing } = request.evidence
    ? await recoverEvidence({ vault, manifest, folder: join(folder, 'evidence'), keepGoing, signal })
    : sealed;
  const lost = [...volumes.flatMap((volume) => volume.missing), ...missing];
  await reportMissing(join(folder, 'missing.json'), lost);
  return { manifest, volumes, evidence, missing: lost };
}

function chooseVolumes({ pointId, volumes }: Manifest, wanted: readonly string[] = []): readonly ManifestVolume[] {
  const unknown = wanted.filter((id) => !volumes.some(({ volumeId }) => volumeId === id));
  if (unknown.length > 0) {
    const known = volumes.map(({ volumeId }) => volumeId).join(', ');
    throw new ConfigurationError('InvalidInput', `${pointId} holds ${known}, not ${unknown.join(', ')}`);
  }
  return wanted.length === 0 ? volumes : volumes.filter(({ volumeId }) => wanted.includes(volumeId));
}

async function recoverVolume(request: RecoverRequest, volume: ManifestVolume): Promise<WrittenVolume> {
  const { vault, folder, keepGoing, signal, onProgress } = request;
  const { volumeId, map, volumeBytes } = volume;
  const path = join(folder, `${volumeId}.raw`);
  try {
    return await writeVolume({
      vault,
      volumeId,
      map,
      path,
      readBack: true,
      keepGoing,
      signal,
      onProgress: (progress) => onProgress?.({ ...progress, volumeId }),
    });
  } catch (error) {
    // Without its map nothing of the volume can be found; the other volumes still can.
    if (!keepGoing || !isDamage(error)) throw error;
    const object = mapKey(map.runId, volumeId, map.mapId);
    const all = { volumeId, firstBlock: 0, blocks: countBlocks(volumeBytes) };
    const missing = [{ ...all, code: error.code, object, reason: error.message }];
    return { path: `${path}.partial`, volumeBytes, bytesWritten: 0, bytesKept: 0, missing };
  }
}

/** Says what is missing now; a later attempt that finds everything takes the list away. */
async function reportMissing(path: string, missing: RecoveredPoint['missing']): Promise<void> {
  await writing(path, () =>
    missing.length === 0 ? rm(path, { force: true }) : writeFile(path, `${JSON.stringify(missing, null, 2)}\n`),
  );
}
