import type { Stretch } from '../../disk/sparse-source.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import { SEGMENT_BLOCKS, SEGMENT_SPAN_BYTES } from '../parameters.ts';
import type { SegmentIndex } from './segment-index.ts';

interface Range {
  readonly offset: number;
  readonly length: number;
}

/** What is stored and what is not, from the segments alone. */
export async function findStretches(
  segments: SegmentIndex,
  { offset, length }: Range,
  signal: AbortSignal,
): Promise<Stretch[]> {
  const found: { bytes: number; hole: boolean }[] = [];
  for (let at = offset; at < offset + length; ) {
    const index = Math.floor(at / BLOCK_BYTES);
    const segmentIndex = Math.floor(index / SEGMENT_BLOCKS);
    const indexed = await segments.at(segmentIndex, signal);
    const next = indexed ? (index + 1) * BLOCK_BYTES : (segmentIndex + 1) * SEGMENT_SPAN_BYTES;
    const end = Math.min(offset + length, next);
    const hole = indexed?.entryAt(index % SEGMENT_BLOCKS) === undefined;
    const last = found.at(-1);
    if (last?.hole === hole) last.bytes += end - at;
    else found.push({ bytes: end - at, hole });
    at = end;
  }
  return found;
}
