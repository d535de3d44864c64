import { findInsideAttribute } from './attributes.ts';
import { mapBlock } from './block-map.ts';
import { readFolderRecords } from './folder-records.ts';
import { damaged, type ExtLayout, type Inode } from './layout.ts';

/** Without the machine's keys nobody reads these. */
export const FLAG_ENCRYPTED = 0x800;
export const FLAG_INLINE = 0x1000_0000;
/** One read of the source at most. */
const MAX_RUN_BYTES = 1 << 20;
/** PATH_MAX. */
const MAX_LINK_BYTES = 4_096;
/** Shorter links stand in the inode. */
const INLINE_LINK_BYTES = 60;

export async function readRange(
  layout: ExtLayout,
  inode: Inode,
  from: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if ((inode.flags & FLAG_ENCRYPTED) !== 0) throw damaged(`inode ${inode.number} is encrypted`);
  const bytes = new Uint8Array(length);
  if ((inode.flags & FLAG_INLINE) !== 0) {
    bytes.set(inlineContent(inode).subarray(from, from + length));
    return bytes;
  }
  for (let done = 0; done < length; ) {
    const at = from + done;
    const into = at % layout.blockBytes;
    const limit = Math.ceil(Math.min(length - done + into, MAX_RUN_BYTES) / layout.blockBytes);
    const run = await mapBlock(layout, inode, Math.floor(at / layout.blockBytes), limit, signal);
    const take = Math.min(length - done, run.blocks * layout.blockBytes - into);
    if (run.physical !== 0)
      bytes.set(await layout.source.readAt(run.physical * layout.blockBytes + into, take, signal), done);
    done += take;
  }
  return bytes;
}

/** Small files may lie in the inode: 60 bytes where block numbers would be, the rest as an attribute. */
function inlineContent(inode: Inode): Uint8Array {
  return Buffer.concat([inode.map, findInsideAttribute(inode, 'system.data') ?? new Uint8Array()]);
}

/** Inode numbers by name, without `.` and `..`. */
export async function readFolder(
  layout: ExtLayout,
  folder: Inode,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const names = new Map<string, number>();
  for await (const { name, number, damage } of readFolderRecords(layout, folder, signal)) {
    if (damage !== undefined) throw damaged(damage);
    names.set(Buffer.from(name, 'latin1').toString('utf8'), number);
  }
  return names;
}

export async function readLink(layout: ExtLayout, link: Inode, signal: AbortSignal): Promise<string> {
  return new TextDecoder().decode(await readLinkBytes(layout, link, signal));
}

export async function readLinkBytes(layout: ExtLayout, link: Inode, signal: AbortSignal): Promise<Uint8Array> {
  if (link.size > MAX_LINK_BYTES) throw damaged(`a link has ${link.size} bytes`);
  const isInInode = link.size < INLINE_LINK_BYTES && (link.flags & (FLAG_ENCRYPTED | FLAG_INLINE)) === 0;
  return isInInode ? link.map.subarray(0, link.size) : readRange(layout, link, 0, link.size, signal);
}
