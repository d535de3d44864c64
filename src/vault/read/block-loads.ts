import { FormatError, UnderstudyError } from '../../errors.ts';
import { sameBytes } from '../bytes.ts';
import { fetchRun, openEntries, type PackRun } from '../open-blocks.ts';
import { SEGMENT_BLOCKS } from '../parameters.ts';
import { Pool } from '../pool.ts';
import { blockIdOf } from '../sealed-block.ts';
import type { Segment, SegmentEntry } from '../segment.ts';
import { sideBySide } from '../side-by-side.ts';
import type { Vault } from '../vault.ts';
import { planRuns } from '../volume-blocks.ts';
import type { BlockCache } from './block-cache.ts';
import type { ReadCounters } from './read-counters.ts';

// Eight of at most 8 blocks: 32 MiB sealed and 32 MiB opened, and enough for 200 MiB/s from a store that takes 100 ms.
const LOADS_AT_ONCE = 8;
// Blocks of one load lie in several packs when the volume has seen many increments.
const RUNS_AT_ONCE = 4;

export interface LoadDoors {
  readonly vault: Vault;
  readonly counters: ReadCounters;
  readonly cache: BlockCache | undefined;
}

/** Blocks of one segment that are fetched together. */
export interface LoadRequest {
  readonly segment: Segment;
  readonly entries: readonly SegmentEntry[];
}

/** By block index; an error stands for its block only. */
export type Loaded = ReadonlyMap<number, Uint8Array | UnderstudyError>;

/** Brings stored blocks from the cache or the store, proven in both cases, a bounded number of loads at a time. */
export function createBlockLoads(doors: LoadDoors): (request: LoadRequest, signal: AbortSignal) => Promise<Loaded> {
  const slots = new Pool(LOADS_AT_ONCE, () => Symbol('load'));
  return async (request, signal) => {
    const slot = await slots.take(signal);
    try {
      return await load(doors, request, signal);
    } finally {
      slots.give(slot);
    }
  };
}

async function load(doors: LoadDoors, { segment, entries }: LoadRequest, signal: AbortSignal): Promise<Loaded> {
  const loaded = new Map<number, Uint8Array | UnderstudyError>();
  const missing: SegmentEntry[] = [];
  for (const entry of entries) {
    const bytes = await readCached(doors, segment, entry);
    if (bytes) loaded.set(indexOf(segment, entry), bytes);
    else missing.push(entry);
  }
  const base = segment.segmentIndex * SEGMENT_BLOCKS;
  const runs = planRuns({ ...segment, entries: missing }, { from: base, to: base + SEGMENT_BLOCKS });
  await sideBySide(runs, RUNS_AT_ONCE, async (run) => {
    for (const [index, result] of await loadRun(doors, run, signal)) {
      loaded.set(index, result);
      if (result instanceof Uint8Array) doors.cache?.write(index, result);
    }
  });
  return loaded;
}

/** What another process, or another program, left in the cache counts only if its id is the very one of the block. */
async function readCached({ vault, cache, counters }: LoadDoors, segment: Segment, entry: SegmentEntry) {
  const bytes = await cache?.read(indexOf(segment, entry));
  if (!bytes) return undefined;
  const blockId = vault.keys.data(1, 'block-id');
  const found = blockIdOf(bytes, { blockId });
  if (!sameBytes(found, entry.blockId)) return undefined;
  counters.countCached();
  return bytes;
}

/** One request; where that fails for good, one per block, so that damage costs no more than the damaged blocks. */
async function loadRun(doors: LoadDoors, run: PackRun, signal: AbortSignal): Promise<Loaded> {
  try {
    return await fetchAndOpen(doors, run, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof UnderstudyError)) throw error;
    const [only, ...others] = run.entries;
    if (only && others.length === 0) return new Map([[indexOf(run.segment, only), error]]);
    if (error.status !== 'permanent') return new Map(run.entries.map((entry) => [indexOf(run.segment, entry), error]));
  }
  const loaded = new Map<number, Uint8Array | UnderstudyError>();
  for (const entry of run.entries) {
    const alone = { ...run, entries: [entry], offset: entry.offset, length: entry.sealedBytes };
    for (const [index, result] of await loadRun(doors, alone, signal)) loaded.set(index, result);
  }
  return loaded;
}

async function fetchAndOpen({ vault, counters }: LoadDoors, run: PackRun, signal: AbortSignal): Promise<Loaded> {
  counters.count(run.length);
  const bytes = await fetchRun(vault, run, signal);
  const opened = await openEntries(vault, run, { bytes, entries: run.entries });
  const found = new Map(opened.map((block) => [block.index, block.bytes]));
  if (found.size !== run.entries.length) throw new FormatError(`opened ${found.size} of ${run.entries.length} blocks`);
  return found;
}

function indexOf(segment: Segment, { position }: SegmentEntry): number {
  return segment.segmentIndex * SEGMENT_BLOCKS + position;
}
