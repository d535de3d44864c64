import type { SparseSource } from '../../disk/sparse-source.ts';
import { BLOCK_BYTES } from '../block-source.ts';
import { countBlocks, SEGMENT_BLOCKS } from '../parameters.ts';
import type { SegmentEntry } from '../segment.ts';
import type { Vault } from '../vault.ts';
import type { VolumeMap } from '../volume-map.ts';
import type { BlockCache } from './block-cache.ts';
import { createBlockLoads, type Loaded } from './block-loads.ts';
import { findStretches } from './find-stretches.ts';
import { KeptBlocks } from './kept-blocks.ts';
import { ReadAhead } from './read-ahead.ts';
import { ReadCounters } from './read-counters.ts';
import { createSegmentIndex, type IndexedSegment } from './segment-index.ts';
import { begun, shared } from './shared-work.ts';

/** Random access to a volume in the vault. Several may read at once; a block that many want is fetched once. */
export interface VolumeReader extends SparseSource {
  readonly counters: Pick<ReadCounters, 'requests' | 'bytes' | 'cachedBlocks'>;
}

// 4 MiB of plain bytes per request: at 100 ms each, one reader still gets 40 MiB/s, and 80 with what is read ahead.
const BLOCKS_PER_LOAD = 8;
// 8 MiB: a file of 100 MiB then costs at most 8 % more than it has.
const MOST_AHEAD = 16;
const HOLE = new Uint8Array(BLOCK_BYTES);

/**
 * Readers that go on get the next blocks ahead, several per request. A damaged or missing block is an error for whoever
 * reads that block, and for nobody else. Memory: what KeptBlocks keeps and createBlockLoads has on its way.
 */
export function createVolumeReader(vault: Vault, map: VolumeMap, cache?: BlockCache): VolumeReader {
  const counters = new ReadCounters();
  const segments = createSegmentIndex(vault, map, counters);
  const load = createBlockLoads({ vault, counters, cache });
  const kept = new KeptBlocks();
  const ahead = new ReadAhead(MOST_AHEAD);
  const blocks = countBlocks(map.volumeBytes);

  /** Begins to load what is stored of blocks [from, to) and neither here nor on its way. */
  async function begin(from: number, to: number, signal: AbortSignal): Promise<void> {
    for (let at = from; at < to; ) {
      const segmentIndex = Math.floor(at / SEGMENT_BLOCKS);
      const end = Math.min(to, (segmentIndex + 1) * SEGMENT_BLOCKS);
      const indexed = await segments.at(segmentIndex, signal);
      if (indexed) beginWithin(indexed, { from: at, to: end }, signal);
      at = end;
    }
  }
  function beginWithin(indexed: IndexedSegment, range: { from: number; to: number }, signal: AbortSignal): void {
    const { segment } = indexed;
    const base = segment.segmentIndex * SEGMENT_BLOCKS;
    const missing: SegmentEntry[] = [];
    for (let index = range.from; index < range.to; index++) {
      const entry = indexed.entryAt(index - base);
      if (entry && !kept.has(index)) missing.push(entry);
    }
    for (let first = 0; first < missing.length; first += BLOCKS_PER_LOAD) {
      const entries = missing.slice(first, first + BLOCKS_PER_LOAD);
      const loaded = begun(load({ segment, entries }, signal), signal);
      for (const { position } of entries) kept.add(base + position, pick(loaded, base + position));
    }
  }
  async function readBlock(index: number, until: number, signal: AbortSignal): Promise<Uint8Array> {
    // Whole loads: up to the next multiple, at least one load ahead, and never beyond what is worth having.
    const upTo = Math.ceil((index + BLOCKS_PER_LOAD) / BLOCKS_PER_LOAD) * BLOCKS_PER_LOAD;
    return shared(async () => {
      await begin(index, Math.max(index + 1, Math.min(until, upTo)), signal);
      return kept.find(index) ?? HOLE;
    }, signal);
  }
  return {
    bytes: map.volumeBytes,
    blockBytes: BLOCK_BYTES,
    counters,
    async readAt(offset, length, signal) {
      mustLieInside(map, offset, length);
      const wanted = new Uint8Array(length);
      if (length === 0) return wanted;
      const [from, to] = [Math.floor(offset / BLOCK_BYTES), countBlocks(offset + length)];
      const until = Math.min(blocks, to + ahead.next(from, to));
      for (let index = from; index < to; index++) {
        const block = await readBlock(index, until, signal);
        const start = index * BLOCK_BYTES;
        const part = block.subarray(Math.max(0, offset - start), Math.min(BLOCK_BYTES, offset + length - start));
        wanted.set(part, Math.max(0, start - offset));
      }
      return wanted;
    },
    stretches(offset, length, signal) {
      mustLieInside(map, offset, length);
      return findStretches(segments, { offset, length }, signal);
    },
  };
}

function mustLieInside({ volumeBytes }: VolumeMap, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= volumeBytes) return;
  throw new RangeError(`${length} bytes from ${offset} of a disk of ${volumeBytes}`);
}

async function pick(loaded: Promise<Loaded>, index: number): Promise<Uint8Array> {
  const result = (await loaded).get(index);
  if (result instanceof Uint8Array) return result;
  throw result ?? new TypeError(`block ${index} was not among what was loaded`);
}
