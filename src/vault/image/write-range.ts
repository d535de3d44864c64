import { ConfigurationError } from '../../errors.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import type { MapRef } from '../fields.ts';
import { readMap } from '../read-map.ts';
import type { Vault } from '../vault.ts';
import { readVolumeBlocks } from '../volume-blocks.ts';
import { openTarget, writeFully, writing } from './image-target.ts';

export interface WriteRangeRequest {
  readonly vault: Vault;
  readonly volumeId: string;
  readonly map: Pick<MapRef, 'runId' | 'mapId' | 'mapBytes'>;
  readonly offset: number;
  readonly bytes: number;
  /** A file that does not exist yet. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** Writes a part of a volume into a file of its own; only the blocks it touches are fetched. */
export async function writeRange(request: WriteRangeRequest): Promise<{ readonly path: string }> {
  const { vault, volumeId, offset, bytes, path, signal } = request;
  const map = await readMap(vault, { volumeId, map: request.map }, signal);
  const end = offset + bytes;
  if (!(offset >= 0 && bytes >= 1 && end <= map.volumeBytes)) {
    const message = `${bytes} bytes from byte ${offset} do not lie within ${volumeId}, which has ${map.volumeBytes}`;
    throw new ConfigurationError('InvalidInput', message);
  }
  const target = await openTarget({ path, volumeBytes: bytes, dataBytes: bytes, overwriteDevice: false, signal });
  try {
    // A part is fetched in one go: what is left of an earlier attempt would have to be compared byte by byte.
    await writing(path, () => target.file.truncate(0).then(() => target.file.truncate(bytes)));
    const range = { from: Math.floor(offset / BLOCK_BYTES), to: Math.ceil(end / BLOCK_BYTES) };
    for await (const block of readVolumeBlocks(vault, { map, range }, signal)) {
      const at = block.index * BLOCK_BYTES;
      const part = block.bytes.subarray(Math.max(0, offset - at), Math.min(BLOCK_BYTES, end - at));
      await writing(path, () => writeFully(target.file, part, Math.max(0, at - offset)));
      block.giveBack();
    }
    return { path: await target.publish() };
  } finally {
    await target.close();
  }
}
