import { createHash, type Hash } from 'node:crypto';
import { FormatError } from '../errors.ts';
import type { BlockRange } from './block-source.ts';
import { inOrder, type Task } from './in-order.ts';
import {
  type BlocksTo,
  fetchRunInto,
  type OpenImage,
  openEntries,
  type PackRun,
  type VolumeBlock,
} from './open-blocks.ts';
import { countBlocks, countSegmentBlocks, SEGMENT_BLOCKS } from './parameters.ts';
import { readSegment } from './read-segment.ts';
import type { Segment, SegmentEntry } from './segment.ts';
import { BLOCKS_PER_JOB, RANGE_BYTES } from './threads.ts';
import type { Vault } from './vault.ts';
import { addToDigest } from './volume-digest.ts';
import type { VolumeMap } from './volume-map.ts';

export type { VolumeBlock };

// Bytes between two wanted blocks cost less than another request (restic's rule).
const LARGEST_GAP_BYTES = 1 << 20;
// One is being opened and three are on their way; while the last blocks of one are opened, four are: 80 MiB.
const RUNS_AHEAD = 4;
// Six jobs are under way or waiting to be taken: each thread has its next one.
const JOBS_AHEAD = 6;

interface VolumeRange {
  readonly map: VolumeMap;
  readonly range: BlockRange;
  /** Narrows what is read of a segment; asked once for each, in order. */
  readonly choose?: (segment: Segment) => Promise<readonly SegmentEntry[]>;
  /** Blocks are written there, several at once, before they are yielded, and come without bytes. */
  readonly image?: OpenImage;
}

/** Stored blocks of the range in order. A full pass recomputes the volume's digest and compares it at the end. */
export async function* readVolumeBlocks(
  vault: Vault,
  { map, range, choose, image }: VolumeRange,
  signal: AbortSignal,
): AsyncGenerator<VolumeBlock> {
  const blocks = countBlocks(map.volumeBytes);
  if (!(range.from >= 0 && range.from <= range.to && range.to <= blocks)) {
    throw new RangeError(`blocks [${range.from}, ${range.to}) of a volume of ${blocks} blocks`);
  }
  const digest = range.from === 0 && range.to === blocks ? createHash('sha256') : undefined;
  const fetched = inOrder(fetchTasks(vault, { map, range, digest, ...(choose && { choose }) }, signal), {
    depth: RUNS_AHEAD,
    signal,
  });
  for await (const opened of inOrder(openTasks(vault, fetched, image ?? 'room'), { depth: JOBS_AHEAD, signal }))
    yield* opened;
  const found = digest?.digest('hex');
  if (found === undefined || found === map.volumeDigest) return;
  const message = `the map of ${map.volumeId} promises the digest ${map.volumeDigest}, its segments give ${found}`;
  throw new FormatError(message, { context: { volumeId: map.volumeId } });
}

interface FetchedRun {
  readonly run: PackRun;
  readonly bytes: Uint8Array;
  /** Where they lie; given back when the last block is opened. */
  readonly room: SharedArrayBuffer;
}

async function* fetchTasks(
  vault: Vault,
  { map, range, choose, digest }: VolumeRange & { readonly digest: Hash | undefined },
  signal: AbortSignal,
): AsyncIterable<Task<FetchedRun>> {
  const last = Math.ceil(range.to / SEGMENT_BLOCKS);
  for (let segmentIndex = Math.floor(range.from / SEGMENT_BLOCKS); segmentIndex < last; segmentIndex++) {
    const blocks = countSegmentBlocks(map.volumeBytes, segmentIndex);
    const ref = map.segments[segmentIndex];
    const segment = ref ? await readSegment(vault, { ref, segmentIndex, blocks }, signal) : undefined;
    if (digest) addToDigest(digest, segment?.entries ?? [], blocks);
    if (!segment) continue;
    const wanted = choose ? { ...segment, entries: await choose(segment) } : segment;
    for (const run of planRuns(wanted, range)) {
      yield async (either) => {
        const room = vault.threads.ranges.take();
        return { run, bytes: await fetchRunInto(vault, { run, room }, either), room };
      };
    }
  }
}

/** Cuts a segment's blocks into runs that one range request each can fetch. */
export function* planRuns(segment: Segment, { from, to }: BlockRange): Iterable<PackRun> {
  const base = segment.segmentIndex * SEGMENT_BLOCKS;
  let run: SegmentEntry[] = [];
  for (const entry of segment.entries) {
    if (base + entry.position < from || base + entry.position >= to) continue;
    if (run.length > 0 && !continues(run, entry)) {
      yield makeRun(segment, run);
      run = [];
    }
    run.push(entry);
  }
  if (run.length > 0) yield makeRun(segment, run);
}

function continues(run: readonly SegmentEntry[], next: SegmentEntry): boolean {
  const first = run[0];
  const last = run.at(-1);
  if (!first || !last || last.pack !== next.pack) return false;
  const gap = next.offset - (last.offset + last.sealedBytes);
  return gap >= 0 && gap <= LARGEST_GAP_BYTES && next.offset + next.sealedBytes - first.offset <= RANGE_BYTES;
}

function makeRun(segment: Segment, entries: readonly SegmentEntry[]): PackRun {
  const first = entries[0];
  const last = entries.at(-1);
  const pack = segment.packs[first?.pack ?? 0];
  if (!first || !last || !pack) throw new TypeError('a run holds at least one block of a known pack');
  return { segment, pack, entries, offset: first.offset, length: last.offset + last.sealedBytes - first.offset };
}

async function* openTasks(
  vault: Vault,
  fetched: AsyncIterable<FetchedRun>,
  to: BlocksTo,
): AsyncIterable<Task<VolumeBlock[]>> {
  for await (const { run, bytes, room } of fetched) {
    let left = Math.ceil(run.entries.length / BLOCKS_PER_JOB);
    for (let at = 0; at < run.entries.length; at += BLOCKS_PER_JOB) {
      const entries = run.entries.slice(at, at + BLOCKS_PER_JOB);
      yield async () => {
        const blocks = await openEntries(vault, run, { bytes, entries, to });
        // Where something failed it is not given back: others may still be reading it.
        if (--left === 0) vault.threads.ranges.give(room);
        return blocks;
      };
    }
  }
}
