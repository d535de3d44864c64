import { viewOf } from '../fields.ts';
import { damaged, type ExtLayout, type Inode } from './layout.ts';

const FLAG_EXTENTS = 0x80000;
const EXTENT_MAGIC = 0xf30a;
/** ext4_ext_check: deeper trees do not exist. */
const MAX_DEPTH = 5;
/** Longer extents are allocated but unwritten: they read as zeros. */
const MAX_WRITTEN = 32_768;
/** Direct, then single, double and triple indirect blocks. */
const DIRECT = 12;

/** Neighbouring blocks of a file; `physical` 0 is a hole. */
export interface Run {
  readonly physical: number;
  readonly blocks: number;
}

/** Where the file's block `logical` lies, with up to `limit` neighbours. */
export function mapBlock(
  layout: ExtLayout,
  inode: Inode,
  logical: number,
  limit: number,
  signal: AbortSignal,
): Promise<Run> {
  if ((inode.flags & FLAG_EXTENTS) !== 0) return mapExtent(layout, inode.map, logical, limit, signal);
  return mapIndirect(layout, inode.map, { logical, limit }, signal);
}

/**
 * A node: 0 2 magic, 2 2 entries, 6 2 depth. From 12 on entries of 12 bytes, ascending.
 *   leaf:   0 4 first logical block   4 2 blocks   6 2 physical, upper   8 4 physical, lower
 *   index:  0 4 first logical block   4 4 child, lower   8 2 child, upper
 */
async function mapExtent(
  layout: ExtLayout,
  root: Uint8Array,
  logical: number,
  limit: number,
  signal: AbortSignal,
): Promise<Run> {
  let node = root;
  // Where the next thing begins that some node of the way names: a hole may reach beyond its own leaf, and no further.
  let nextStart = Number.POSITIVE_INFINITY;
  for (let level = 0; level <= MAX_DEPTH; level++) {
    const view = viewOf(node);
    const [entries, depth] = [view.getUint16(2, true), view.getUint16(6, true)];
    if (view.getUint16(0, true) !== EXTENT_MAGIC || 12 + entries * 12 > node.length)
      throw damaged('an extent node is damaged');
    const at = lastEntryUpTo(view, entries, logical);
    if (at + 1 < entries) nextStart = view.getUint32(12 + (at + 1) * 12, true);
    if (at < 0) return hole(nextStart - logical, limit);
    if (depth === 0) return leafRun(view, at, nextStart, { logical, limit });
    const offset = 12 + at * 12;
    const child = view.getUint16(offset + 8, true) * 2 ** 32 + view.getUint32(offset + 4, true);
    node = await layout.source.readAt(child * layout.blockBytes, layout.blockBytes, signal);
  }
  throw damaged('an extent tree is too deep');
}

function lastEntryUpTo(view: DataView, entries: number, logical: number): number {
  let found = -1;
  for (let n = 0; n < entries && view.getUint32(12 + n * 12, true) <= logical; n++) found = n;
  return found;
}

function leafRun(
  view: DataView,
  at: number,
  nextStart: number,
  { logical, limit }: { readonly logical: number; readonly limit: number },
): Run {
  const offset = 12 + at * 12;
  const first = view.getUint32(offset, true);
  const length = view.getUint16(offset + 4, true);
  const isWritten = length <= MAX_WRITTEN;
  const blocks = isWritten ? length : length - MAX_WRITTEN;
  const into = logical - first;
  if (into >= blocks) return hole(nextStart - logical, limit);
  const physical = view.getUint16(offset + 6, true) * 2 ** 32 + view.getUint32(offset + 8, true);
  return { physical: isWritten ? physical + into : 0, blocks: Math.min(blocks - into, limit) };
}

function hole(blocks: number, limit: number): Run {
  return { physical: 0, blocks: Math.max(1, Math.min(blocks, limit)) };
}

/** Neighbours are counted within one block of numbers, so that a hole of gigabytes takes few steps. */
async function mapIndirect(
  layout: ExtLayout,
  map: Uint8Array,
  { logical, limit }: { readonly logical: number; readonly limit: number },
  signal: AbortSignal,
): Promise<Run> {
  if (logical < DIRECT) return neighbours(map.subarray(logical * 4, DIRECT * 4), limit);
  const perBlock = layout.blockBytes / 4;
  let rest = logical - DIRECT;
  for (let level = 1; level <= 3; level++) {
    const covered = perBlock ** level;
    if (rest >= covered) {
      rest -= covered;
      continue;
    }
    let block = viewOf(map).getUint32((DIRECT + level - 1) * 4, true);
    for (let below = level - 1; below >= 0; below--) {
      const span = perBlock ** (below + 1);
      if (block === 0) return hole(span - (rest % span), limit);
      const slot = Math.floor(rest / perBlock ** below) % perBlock;
      const at = block * layout.blockBytes + slot * 4;
      const numbers = await layout.source.readAt(at, below === 0 ? (perBlock - slot) * 4 : 4, signal);
      if (below === 0) return neighbours(numbers, limit);
      block = viewOf(numbers).getUint32(0, true);
    }
  }
  throw damaged(`a file has no block ${logical}`);
}

/** How many of these block numbers follow one another, or are all holes. */
function neighbours(numbers: Uint8Array, limit: number): Run {
  const view = viewOf(numbers);
  const first = view.getUint32(0, true);
  let blocks = 1;
  while (blocks < Math.min(limit, numbers.length / 4)) {
    if (view.getUint32(blocks * 4, true) !== (first === 0 ? 0 : first + blocks)) break;
    blocks++;
  }
  return { physical: first, blocks };
}
