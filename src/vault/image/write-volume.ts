import { stat } from 'node:fs/promises';
import { VaultError } from '../../errors.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import type { MapRef } from '../fields.ts';
import { readOrRebuildMap } from '../rebuild-map.ts';
import type { Vault } from '../vault.ts';
import type { VolumeMap } from '../volume-map.ts';
import { matchesImage, mustMatchDigest, mustReadBack } from './check-image.ts';
import { type ImageTarget, openTarget, writing } from './image-target.ts';
import { removeSecondName } from './partial-file.ts';
import type { MissingBlocks } from './salvage.ts';
import { VolumeWriter } from './volume-writer.ts';

export interface WriteVolumeRequest {
  readonly vault: Vault;
  readonly volumeId: string;
  readonly map: MapRef;
  /** A file that does not exist yet, or a block device. */
  readonly path: string;
  /** A block device is only written to when this is set. */
  readonly overwriteDevice?: boolean | undefined;
  /** Read every byte back after it was synced, and compute its id once more. */
  readonly readBack: boolean;
  /** Go on where objects are missing or damaged; the image then stays a `.partial`. */
  readonly keepGoing?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: WriteProgress) => void;
}

/** Of stored blocks; holes are neither written nor counted. */
export interface WriteProgress {
  readonly phase: 'write' | 'read back';
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface WrittenVolume {
  /** The image, or its `.partial` when blocks are missing. */
  readonly path: string;
  readonly volumeBytes: number;
  readonly bytesWritten: number;
  /** Of blocks that an earlier attempt had written; they were proven instead. */
  readonly bytesKept: number;
  readonly missing: readonly MissingBlocks[];
}

/**
 * Writes one volume as a raw image: sparse, every block proven by its id, all of them by the volume's digest. Repeatable:
 * blocks that an earlier attempt wrote are recognized by their content, and a finished image that holds the volume is
 * left as it is. Needs the data and meta roots.
 */
export async function writeVolume(request: WriteVolumeRequest): Promise<WrittenVolume> {
  const { vault, volumeId, path, overwriteDevice = false, signal } = request;
  vault.threads.warmUp();
  const map = await readOrRebuildMap(vault, { volumeId, map: request.map }, signal);
  const { volumeBytes } = map;
  const dataBytes = map.storedBlocks * BLOCK_BYTES;
  if (await isFile(path)) {
    if (await matchesImage(vault, { map, path }, signal)) {
      await writing(path, () => removeSecondName(path));
      return { path, volumeBytes, bytesWritten: 0, bytesKept: dataBytes, missing: [] };
    }
    const message = `${path} exists and is not ${volumeId} of this point; nothing is overwritten, name another place or move it away`;
    throw new VaultError('TargetExists', message, { context: { path } });
  }
  const target = await openTarget({ path, volumeBytes, dataBytes, overwriteDevice, signal });
  try {
    return await fillTarget(request, { map, target });
  } finally {
    await target.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

async function fillTarget(
  request: WriteVolumeRequest,
  { map, target }: { readonly map: VolumeMap; readonly target: ImageTarget },
): Promise<WrittenVolume> {
  const { vault, keepGoing = false, readBack, signal, onProgress } = request;
  const { volumeBytes } = map;
  const tell = (phase: WriteProgress['phase']) => (blocks: number) =>
    onProgress?.({ phase, bytesDone: blocks * BLOCK_BYTES, bytesTotal: map.storedBlocks * BLOCK_BYTES });
  const writer = new VolumeWriter({ vault, map, target, keepGoing, signal, onDone: tell('write') });
  await writer.fill();
  const { bytesWritten, bytesKept, missing } = writer;
  if (missing.length === 0) await mustMatchDigest(vault, map, signal);
  await writing(target.path, () => target.file.sync());
  if (readBack) {
    const { path, file } = target;
    const image = { file, volumeBytes };
    const onChecked = tell('read back');
    await writing(path, () => mustReadBack(vault, { map, path, image, missing, onChecked }, signal));
  }
  const path = missing.length === 0 ? await target.publish() : target.path;
  return { path, volumeBytes, bytesWritten, bytesKept, missing };
}
