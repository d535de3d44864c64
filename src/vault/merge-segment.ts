import type { WrittenPacks } from './pack-writer.ts';
import type { Segment, SegmentEntry, SegmentPack } from './segment.ts';

interface SegmentParts {
  readonly segmentIndex: number;
  readonly blocks: number;
  /** Stored by this run; positions within the segment. */
  readonly written: WrittenPacks;
  /** Blocks of the parent's segment that are still the same. */
  readonly kept: readonly SegmentEntry[];
  /** The parent's packs, which `kept` refers to. */
  readonly packs: readonly SegmentPack[];
}

/** One segment of new blocks and of the parent's: its pack table names what is used of both. */
export function mergeSegment({ segmentIndex, blocks, written, kept, packs }: SegmentParts): Segment {
  const table = [...written.packs];
  const places = new Map<number, number>();
  const taken = kept.map((entry) => {
    const pack = packs[entry.pack];
    if (!pack) throw new RangeError(`block ${entry.position} names pack ${entry.pack} of ${packs.length}`);
    const place = places.get(entry.pack) ?? table.push(pack) - 1;
    places.set(entry.pack, place);
    return { ...entry, pack: place };
  });
  const entries = [...written.entries, ...taken].sort((a, b) => a.position - b.position);
  return { segmentIndex, blocks, packs: table, entries };
}
