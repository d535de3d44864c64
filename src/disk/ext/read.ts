import { mapBlock } from './block-map.ts';
import { damaged, type ExtLayout, type Inode } from './layout.ts';

/** Data kept inside of the inode (inline_data) and encrypted folders: rare on servers, and not read by this version. */
const FLAG_UNREADABLE = 0x1000_0000 | 0x800;
/** A folder of 10,000 names takes less than 3 MiB; more is damage or an attempt to fill memory. */
const MAX_FOLDER_BYTES = 16 << 20;
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
  if ((inode.flags & FLAG_UNREADABLE) !== 0) throw damaged(`inode ${inode.number} is encrypted or stored inline`);
  const bytes = new Uint8Array(length);
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

/** Inode numbers by name, without `.` and `..`; hashed folders are read like linear ones, which they are, too. */
export async function readFolder(
  layout: ExtLayout,
  folder: Inode,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  if (folder.size > MAX_FOLDER_BYTES) throw damaged(`a folder has ${folder.size} bytes`);
  const bytes = await readRange(layout, folder, 0, folder.size - (folder.size % layout.blockBytes), signal);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const names = new Map<string, number>();
  for (let at = 0; at + 8 <= bytes.length; ) {
    const recordBytes = view.getUint16(at + 4, true) || layout.blockBytes; // 0 stands for 64 KiB
    const nameBytes = bytes[at + 6] ?? 0;
    if (recordBytes < 8 || at + recordBytes > bytes.length || 8 + nameBytes > recordBytes)
      throw damaged('a folder entry is damaged');
    const number = view.getUint32(at, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 8, at + 8 + nameBytes));
    if (number !== 0 && name !== '.' && name !== '..' && nameBytes > 0) names.set(name, number);
    at += recordBytes;
  }
  return names;
}

export async function readLink(layout: ExtLayout, link: Inode, signal: AbortSignal): Promise<string> {
  if (link.size > MAX_LINK_BYTES) throw damaged(`a link has ${link.size} bytes`);
  if (link.size < INLINE_LINK_BYTES) return new TextDecoder().decode(link.map.subarray(0, link.size));
  return new TextDecoder().decode(await readRange(layout, link, 0, link.size, signal));
}
