import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { FormatError, VaultError } from '../../errors.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import { isDamage } from '../is-damage.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from '../parameters.ts';
import { readOrRebuildSegment } from '../rebuild-segment.ts';
import type { Vault } from '../vault.ts';
import { addToDigest } from '../volume-digest.ts';
import type { VolumeMap } from '../volume-map.ts';
import { compareSegment, type ImageFile } from './compare-image.ts';
import { findDataBlocks } from './data-extents.ts';
import type { MissingBlocks } from './salvage.ts';

/** The segments of a map must give the digest it promises: substituted or reordered ones show here. */
export async function mustMatchDigest(vault: Vault, map: VolumeMap, signal: AbortSignal): Promise<void> {
  const digest = createHash('sha256');
  for (const segmentIndex of map.segments.keys()) {
    const segment = await readOrRebuildSegment(vault, { map, segmentIndex }, signal);
    addToDigest(digest, segment?.entries ?? [], countSegmentBlocks(map.volumeBytes, segmentIndex));
  }
  const found = digest.digest('hex');
  if (found === map.volumeDigest) return;
  const message = `the map of ${map.volumeId} promises the digest ${map.volumeDigest}, its segments give ${found}`;
  throw new FormatError(message, { context: { volumeId: map.volumeId } });
}

/** Whether a file holds exactly this volume. */
export async function matchesImage(
  vault: Vault,
  { map, path }: { readonly map: VolumeMap; readonly path: string },
  signal: AbortSignal,
): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size !== map.volumeBytes) return false;
    const image = { file, volumeBytes: size, data: await findDataBlocks(file, signal) };
    for await (const { stored, holes } of differences(vault, { map, image }, signal)) {
      if (stored.length + holes.length > 0) return false;
    }
    return true;
  } finally {
    await file.close();
  }
}

interface ReadBackRequest {
  readonly map: VolumeMap;
  readonly path: string;
  readonly image: Omit<ImageFile, 'data'>;
  /** Nobody expects these to be there. */
  readonly missing: readonly MissingBlocks[];
  readonly onChecked: (storedBlocks: number) => void;
}

/** Reads a written image once more; TargetUnusable names the first block that is not what was written. */
export async function mustReadBack(vault: Vault, request: ReadBackRequest, signal: AbortSignal): Promise<void> {
  const { map, path, missing, onChecked } = request;
  const image = { ...request.image, data: await findDataBlocks(request.image.file, signal) };
  const isMissing = (index: number) =>
    missing.some(({ firstBlock, blocks }) => index >= firstBlock && index < firstBlock + blocks);
  let checked = 0;
  for await (const { segmentIndex, storedBlocks, stored, holes } of differences(vault, { map, image }, signal)) {
    const wrong = [...stored.map(({ position }) => position), ...holes]
      .map((position) => segmentIndex * SEGMENT_BLOCKS + position)
      .find((index) => !isMissing(index));
    if (wrong !== undefined) {
      const message = `${path} gives back other bytes for block ${wrong} (from byte ${wrong * BLOCK_BYTES}) than were written; the disk is not to be trusted, use another one`;
      throw new VaultError('TargetUnusable', message, { context: { path, block: wrong } });
    }
    checked += storedBlocks;
    onChecked(checked);
  }
}

/** Segment by segment; one that cannot be read was reported as missing and is skipped. */
async function* differences(
  vault: Vault,
  { map, image }: { readonly map: VolumeMap; readonly image: ImageFile },
  signal: AbortSignal,
) {
  for (const [segmentIndex, ref] of map.segments.entries()) {
    const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
    const found = await ifWhole(readOrRebuildSegment(vault, { map, segmentIndex }, signal));
    if (ref && !found) continue;
    const segment = found ?? { segmentIndex, blocks, entries: [] };
    const differing = await compareSegment(vault, image, { segment, signal });
    yield { segmentIndex, storedBlocks: segment.entries.length, ...differing };
  }
}

async function ifWhole<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
