import { countSegmentBlocks, SEGMENT_BLOCKS } from '../parameters.ts';
import { readSegment } from '../read-segment.ts';
import { Recent } from '../recent.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import type { VolumeMap } from '../volume-map.ts';
import type { ReadCounters } from './read-counters.ts';
import { begun, shared } from './shared-work.ts';

// About 2 MiB decoded each: 16 GiB of a volume, where a file system's tables and data lie far apart.
const SEGMENTS_KEPT = 4;

/** Where a volume's stored blocks lie: its segments, the latest ones kept. */
export interface SegmentIndex {
  /** Undefined: 4 GiB of holes. */
  at(segmentIndex: number, signal: AbortSignal): Promise<IndexedSegment | undefined>;
}

export interface IndexedSegment {
  readonly segment: Segment;
  /** Undefined for a hole. `position` counts within the segment. */
  entryAt(position: number): SegmentEntry | undefined;
}

export function createSegmentIndex(vault: Vault, map: VolumeMap, counters: ReadCounters): SegmentIndex {
  const kept = new Recent<number, IndexedSegment>(SEGMENTS_KEPT);
  return {
    async at(segmentIndex, signal) {
      const ref = map.segments[segmentIndex];
      if (!ref) return undefined;
      const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
      const read = async () => {
        counters.count(ref.segmentBytes);
        return indexed(await readSegment(vault, { ref, segmentIndex, blocks }, signal));
      };
      return shared(() => kept.get(segmentIndex, () => begun(read(), signal)), signal);
    },
  };
}

function indexed(segment: Segment): IndexedSegment {
  // 0: a hole; else one more than the entry's place.
  const places = new Uint16Array(SEGMENT_BLOCKS);
  for (const [i, { position }] of segment.entries.entries()) places[position] = i + 1;
  return { segment, entryAt: (position) => segment.entries[(places[position] ?? 0) - 1] };
}
