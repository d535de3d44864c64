import type { ByteSource } from '../disk/byte-source.ts';
import { BLOCK_BYTES } from './block-source.ts';
import { fetchRun, openEntries } from './open-blocks.ts';
import { countSegmentBlocks, SEGMENT_BLOCKS } from './parameters.ts';
import { readSegment } from './read-segment.ts';
import { Recent } from './recent.ts';
import type { Segment } from './segment.ts';
import type { Vault } from './vault.ts';
import { planRuns } from './volume-blocks.ts';
import type { VolumeMap } from './volume-map.ts';

// 16 MiB: readers of file systems come back to the same few blocks.
const BLOCKS_KEPT = 32;
// About 2 MiB decoded each.
const SEGMENTS_KEPT = 4;
const HOLE = new Uint8Array(BLOCK_BYTES);

/** Random access to a volume in the vault, block by block, the latest ones kept. */
export function createVolumeBytes(vault: Vault, map: VolumeMap): ByteSource {
  const blocks = new Recent<number, Uint8Array>(BLOCKS_KEPT);
  const segments = new Recent<number, Segment | null>(SEGMENTS_KEPT);

  async function segmentAt(segmentIndex: number, signal: AbortSignal): Promise<Segment | null> {
    const ref = map.segments[segmentIndex];
    if (!ref) return null;
    const size = countSegmentBlocks(map.volumeBytes, segmentIndex);
    return segments.get(segmentIndex, () => readSegment(vault, { ref, segmentIndex, blocks: size }, signal));
  }
  async function readBlock(index: number, signal: AbortSignal): Promise<Uint8Array> {
    const segment = await segmentAt(Math.floor(index / SEGMENT_BLOCKS), signal);
    const [run] = segment ? planRuns(segment, { from: index, to: index + 1 }) : [];
    if (!run) return HOLE;
    const bytes = await fetchRun(vault, run, signal);
    const [block] = await openEntries(vault, run, { bytes, entries: run.entries });
    return block?.bytes ?? HOLE;
  }
  return {
    bytes: map.volumeBytes,
    async readAt(offset, length, signal) {
      if (!(offset >= 0 && length >= 0 && offset + length <= map.volumeBytes)) {
        throw new RangeError(`${length} bytes from ${offset} of a disk of ${map.volumeBytes}`);
      }
      const wanted = new Uint8Array(length);
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / BLOCK_BYTES);
        const block = await blocks.get(index, () => readBlock(index, signal));
        const part = block.subarray(
          at - index * BLOCK_BYTES,
          Math.min(BLOCK_BYTES, offset + length - index * BLOCK_BYTES),
        );
        wanted.set(part, at - offset);
        at += part.length;
      }
      return wanted;
    },
  };
}
