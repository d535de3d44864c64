import { sliceOf } from '../byte-slice.ts';
import type { ByteSource } from '../byte-source.ts';
import { damageOf } from '../tree/damage.ts';
import type { ByteString, Entry, FileExtent, FileTree, TreeItem } from '../tree/file-tree.ts';
import { isSafeName } from '../tree/safe-name.ts';
import { readAttributes } from './attributes.ts';
import { mapBlock } from './block-map.ts';
import { decodeEntry } from './entry.ts';
import { readFolderRecords } from './folder-records.ts';
import { replayJournal } from './journal/replay.ts';
import { damaged, type ExtLayout, type Inode, readInode, readLayout } from './layout.ts';
import { FLAG_ENCRYPTED, FLAG_INLINE, readLinkBytes, readRange } from './read.ts';

const ROOT_INODE = 2;
/** Entries told at a time: bounds memory in folders of a million names, and lets inodes be read in their order. */
const BATCH = 4_096;
/** Blocks asked for in one step of a file's map: 2^20 of 4 KiB are an extent tree's leaf and more. */
const MAP_LIMIT = 1 << 20;

/**
 * ext2, ext3 and ext4 over any ByteSource, as the kernel would show them after mounting: a journal that needs recovery is
 * replayed in memory. UnreadableDisk for what this version does not know, before anything wrong is shown.
 */
export async function openExtTree(disk: ByteSource, signal: AbortSignal): Promise<FileTree> {
  const { source, notices, kind } = await replayJournal(sliceOf(disk, 0, disk.bytes), signal);
  const layout = await readLayout(source, signal);
  const root = decodeEntry('', await readInode(layout, ROOT_INODE, signal));
  if (root.kind !== 'folder') throw damaged('its root is no folder');
  const inodeOf = ({ inode }: Entry, ours: AbortSignal) => readInode(layout, Number(inode), ours);
  return {
    kind,
    notices,
    root,
    async *list(folder, ours) {
      yield* listFolder(layout, await inodeOf(folder, ours), ours);
    },
    async find(folder, name, ours) {
      const inode = await inodeOf(folder, ours);
      for await (const record of readFolderRecords(layout, inode, ours)) {
        if (record.name === name && record.number !== 0) {
          return decodeEntry(name, await readInode(layout, record.number, ours));
        }
      }
      return undefined;
    },
    async *extents(file, ours) {
      yield* extentsOf(layout, await inodeOf(file, ours), ours);
    },
    async read(file, offset, length, ours) {
      if (offset < 0 || length < 0 || offset + length > file.size)
        throw new RangeError(`${length} bytes from ${offset} of a file of ${file.size}`);
      return readRange(layout, await inodeOf(file, ours), offset, length, ours);
    },
    async readLink(link, ours) {
      return latin1(await readLinkBytes(layout, await inodeOf(link, ours), ours));
    },
    async xattrs(entry, ours) {
      return readAttributes(layout, await inodeOf(entry, ours), ours);
    },
    close: async () => {},
  };
}

async function* listFolder(layout: ExtLayout, folder: Inode, signal: AbortSignal): AsyncIterable<TreeItem> {
  const numbers = new Map<ByteString, number>();
  for await (const { name, number, damage } of readFolderRecords(layout, folder, signal)) {
    if (damage !== undefined) yield { name: '', damage: `some of its names are lost: ${damage}` };
    else if (!isSafeName(name)) yield { name: '', damage: 'a name holds a slash or a zero byte' };
    else if (numbers.has(name)) yield { name: '', damage: 'a name stands there twice; the first is read' };
    else numbers.set(name, number);
  }
  const names = [...numbers.keys()].sort(byBytes);
  for (let at = 0; at < names.length; at += BATCH) {
    yield* await readBatch(layout, names.slice(at, at + BATCH), numbers, signal);
  }
}

/** In the order of inodes, which lie side by side; told in the order of names. */
async function readBatch(
  layout: ExtLayout,
  names: readonly ByteString[],
  numbers: ReadonlyMap<ByteString, number>,
  signal: AbortSignal,
): Promise<readonly TreeItem[]> {
  const numberOf = (name: ByteString) => numbers.get(name) ?? 0;
  const items = new Map<ByteString, TreeItem>();
  for (const name of names.toSorted((a, b) => numberOf(a) - numberOf(b))) {
    items.set(name, await readItem(layout, name, numberOf(name), signal));
  }
  return names.flatMap((name) => items.get(name) ?? []);
}

async function readItem(layout: ExtLayout, name: ByteString, number: number, signal: AbortSignal): Promise<TreeItem> {
  try {
    return { name, entry: decodeEntry(name, await readInode(layout, number, signal)) };
  } catch (error) {
    return { name, damage: damageOf(error) };
  }
}

async function* extentsOf(layout: ExtLayout, inode: Inode, signal: AbortSignal): AsyncIterable<FileExtent> {
  if ((inode.flags & FLAG_ENCRYPTED) !== 0) throw damaged(`inode ${inode.number} is encrypted`);
  if ((inode.flags & FLAG_INLINE) !== 0) {
    if (inode.size > 0) yield { offset: 0, bytes: inode.size };
    return;
  }
  const end = Math.ceil(inode.size / layout.blockBytes);
  // Each piece has a block of the disk of its own, and a hole before it; a tree that says more goes round in itself.
  const mostSteps = 2 * (layout.source.bytes / layout.blockBytes) + 2;
  let open: { offset: number; bytes: number } | undefined;
  for (let [block, steps] = [0, 0]; block < end; steps++) {
    if (steps > mostSteps) throw damaged(`inode ${inode.number} has more pieces than the disk has blocks`);
    const run = await mapBlock(layout, inode, block, Math.min(MAP_LIMIT, end - block), signal);
    const offset = block * layout.blockBytes;
    const bytes = Math.min(run.blocks * layout.blockBytes, inode.size - offset);
    if (run.physical !== 0 && open && open.offset + open.bytes === offset) open.bytes += bytes;
    else if (run.physical !== 0) {
      if (open) yield open;
      open = { offset, bytes };
    }
    block += run.blocks;
  }
  if (open) yield open;
}

function byBytes(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function latin1(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes).toString('latin1');
}
