import { BLOCK_BYTES } from './block-source.ts';
import type { MapRef } from './fields.ts';
import { isDamage } from './is-damage.ts';
import { countSegmentBlocks, countSegments, SEGMENT_BLOCKS } from './parameters.ts';
import { readMap } from './read-map.ts';
import { readSegment } from './read-segment.ts';
import type { Segment, SegmentEntry } from './segment.ts';
import type { SegmentRef } from './shard-record.ts';
import type { Vault } from './vault.ts';
import type { VolumeMap } from './volume-map.ts';

/** A volume at the point a run builds on; the run's session must name that point. */
export interface ParentVolume {
  readonly pointId: string;
  readonly map: VolumeMap;
}

/** Needs the meta root only. Errors name the map: ObjectMissing, ObjectDamaged, FormatError. */
export async function openParentVolume({
  vault,
  pointId,
  volumeId,
  map,
  signal,
}: {
  readonly vault: Vault;
  readonly pointId: string;
  readonly volumeId: string;
  readonly map: MapRef;
  readonly signal: AbortSignal;
}): Promise<ParentVolume> {
  return { pointId, map: await readMap(vault, { volumeId, map }, signal) };
}

/** What the parent holds of one segment. */
export interface ParentSegment {
  readonly pointId: string;
  /** Undefined where all of it was holes. */
  readonly segment: Segment | undefined;
  /** Names the segment whole; undefined where it was cut in another way, because the volume has grown since. */
  readonly ref: SegmentRef | null | undefined;
  /** Blocks before this position are in both volumes; hints say nothing about the others. */
  readonly sharedBlocks: number;
  entryAt(position: number): SegmentEntry | undefined;
}

export interface ParentSegmentRequest {
  readonly vault: Vault;
  readonly parent: ParentVolume;
  readonly segmentIndex: number;
  /** Of the volume as it is now. */
  readonly volumeBytes: number;
  readonly signal: AbortSignal;
  /** Told when the parent's segment is missing or damaged: its blocks are then read and stored anew. */
  readonly onDamage?: (reason: string) => void;
}

/** Undefined where the parent is no help: it ended before this segment, or its segment cannot be read any more. */
export async function readParentSegment(request: ParentSegmentRequest): Promise<ParentSegment | undefined> {
  const { vault, parent, segmentIndex, volumeBytes, signal, onDamage } = request;
  const { map, pointId } = parent;
  if (segmentIndex >= countSegments(map.volumeBytes)) return undefined;
  const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
  const name = map.segments[segmentIndex];
  try {
    const segment = name ? await readSegment(vault, { ref: name, segmentIndex, blocks }, signal) : undefined;
    const entries = new Map(segment?.entries.map((entry) => [entry.position, entry]));
    const sameCut = blocks === countSegmentBlocks(volumeBytes, segmentIndex);
    const storedBytes = segment?.entries.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0) ?? 0;
    return {
      pointId,
      segment,
      ref: sameCut ? name && { ...name, storedBytes } : undefined,
      sharedBlocks: sharedBlocks(map.volumeBytes, volumeBytes) - segmentIndex * SEGMENT_BLOCKS,
      entryAt: (position) => entries.get(position),
    };
  } catch (error) {
    if (!isDamage(error)) throw error;
    onDamage?.(error.message);
    return undefined;
  }
}

/** A last block that the volume's end cuts is filled up with zeros, so it differs when that end moves. */
function sharedBlocks(before: number, now: number): number {
  return before === now ? Number.POSITIVE_INFINITY : Math.floor(Math.min(before, now) / BLOCK_BYTES);
}
