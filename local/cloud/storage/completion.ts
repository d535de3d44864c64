import { type FileHandle, open, rename } from 'node:fs/promises';
import type { SnapshotRecord } from '../records.ts';
import { Bitmap, BLOCK_BYTES, blocksOf } from './bitmap.ts';
import type { BlockStore } from './block-store.ts';
import { type Extent, mapExtents } from './qemu-img.ts';

export interface FrozenContent {
  /** Frozen layers that hold what changed since `parent`, lowest first. */
  readonly layers: readonly string[];
  readonly parent: SnapshotRecord | undefined;
  readonly sizeGiB: number;
  readonly dataFile: string;
}

interface Tools {
  readonly qemuImg: string;
  readonly blocks: BlockStore;
  onProgress(percent: number): void;
}

/**
 * Writes the changed blocks of frozen layers to the snapshot's own data file and returns which they are. The file
 * appears whole or not at all: temporary name, fsync, rename.
 */
export async function saveFrozenBlocks(content: FrozenContent, tools: Tools): Promise<Bitmap> {
  const top = content.layers.at(-1);
  if (top === undefined) throw new Error(`no frozen layer to save into ${content.dataFile}`);
  const extents = (await mapExtents(tools.qemuImg, top)).filter(
    ({ present, depth }) => present && depth < content.layers.length,
  );
  const changed = changedBlocks(extents, content.sizeGiB);
  const temporary = `${content.dataFile}.new`;
  const sources = await Promise.all([...content.layers].reverse().map((file) => open(file, 'r')));
  const target = await open(temporary, 'w');
  try {
    await target.truncate(content.sizeGiB * 2 ** 30);
    await copyBlocks({ content, extents, changed, sources, target }, tools);
    await target.sync();
  } finally {
    await Promise.all([...sources, target].map((handle) => handle.close()));
  }
  await rename(temporary, content.dataFile);
  return changed;
}

function changedBlocks(extents: readonly Extent[], sizeGiB: number): Bitmap {
  const changed = new Bitmap(blocksOf(sizeGiB));
  for (const { start, length } of extents) {
    const last = Math.floor((start + length - 1) / BLOCK_BYTES);
    for (let block = Math.floor(start / BLOCK_BYTES); block <= last; block++) changed.add(block);
  }
  return changed;
}

interface Copy {
  readonly content: FrozenContent;
  readonly extents: readonly Extent[];
  readonly changed: Bitmap;
  /** By depth: the top layer first. */
  readonly sources: readonly FileHandle[];
  readonly target: FileHandle;
}

async function copyBlocks({ content, extents, changed, sources, target }: Copy, tools: Tools): Promise<void> {
  const total = changed.count();
  let [done, next] = [0, 0];
  for (const block of changed.from(0)) {
    const from = block * BLOCK_BYTES;
    while ((extents[next]?.start ?? Number.POSITIVE_INFINITY) + (extents[next]?.length ?? 0) <= from) next++;
    const bytes =
      content.parent === undefined ? Buffer.alloc(BLOCK_BYTES) : await tools.blocks.read(content.parent, block);
    for (let at = next; ; at++) {
      const extent = extents[at];
      if (extent === undefined || extent.start >= from + BLOCK_BYTES) break;
      await overlay(bytes, from, extent, sources);
    }
    // A block of zeros stays a hole; that it was written is in the set.
    if (!bytes.equals(ZEROS)) await target.write(bytes, 0, BLOCK_BYTES, from);
    if (++done % 64 === 0) tools.onProgress(Math.floor((done * 99) / total));
  }
}

/** Puts the part of `extent` that lies in the block at `from` over the block's bytes. */
async function overlay(bytes: Buffer, from: number, extent: Extent, sources: readonly FileHandle[]): Promise<void> {
  const start = Math.max(extent.start, from);
  const end = Math.min(extent.start + extent.length, from + BLOCK_BYTES);
  bytes.fill(0, start - from, end - from);
  if (extent.zero || !extent.data) return;
  const source = sources[extent.depth];
  if (source === undefined || extent.offset === undefined) {
    throw new Error(`compressed or foreign data at ${extent.start} of a layer: this cloud writes neither`);
  }
  await source.read(bytes, start - from, end - start, extent.offset + (start - extent.start));
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);
