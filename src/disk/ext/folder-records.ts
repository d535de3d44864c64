import { viewOf } from '../fields.ts';
import { damageOf } from '../tree/damage.ts';
import type { ByteString } from '../tree/file-tree.ts';
import { findInsideAttribute } from './attributes.ts';
import { damaged, type ExtLayout, type Inode } from './layout.ts';
import { FLAG_ENCRYPTED, FLAG_INLINE, readRange } from './read.ts';

/** A million short names; more is damage or an attempt to fill memory. */
const MAX_FOLDER_BYTES = 32 << 20;
/** The parent's inode number, where a folder inside of its inode begins. */
const INLINE_PARENT_BYTES = 4;

export type FolderRecord =
  | { readonly name: ByteString; readonly number: number; readonly damage?: undefined }
  | { readonly name: ''; readonly number: 0; readonly damage: string };

/**
 * Names and inode numbers of a folder without `.` and `..`, as they lie. Hashed folders are read like linear ones, which
 * they are, too. A damaged block costs the names in it and is told; the blocks behind it are read.
 */
export async function* readFolderRecords(
  layout: ExtLayout,
  folder: Inode,
  signal: AbortSignal,
): AsyncIterable<FolderRecord> {
  if ((folder.flags & FLAG_ENCRYPTED) !== 0) throw damaged('a folder is encrypted, names and contents');
  if (folder.size > MAX_FOLDER_BYTES) throw damaged(`a folder has ${folder.size} bytes`);
  if ((folder.flags & FLAG_INLINE) !== 0) {
    yield* recordsOf(folder.map.subarray(INLINE_PARENT_BYTES));
    yield* recordsOf(findInsideAttribute(folder, 'system.data') ?? new Uint8Array());
    return;
  }
  for (let at = 0; at + layout.blockBytes <= folder.size; at += layout.blockBytes) {
    try {
      yield* recordsOf(await readRange(layout, folder, at, layout.blockBytes, signal));
    } catch (error) {
      yield { name: '', number: 0, damage: damageOf(error) };
    }
  }
}

/** 0 4 inode (0: none), 4 2 record size, 6 1 name length, 7 1 kind, 8 … name. */
function* recordsOf(block: Uint8Array): Iterable<FolderRecord> {
  const view = viewOf(block);
  for (let at = 0; at + 8 <= block.length; ) {
    const stored = view.getUint16(at + 4, true);
    const recordBytes = stored === 0 || stored === 65_535 ? block.length : stored; // either stands for 64 KiB
    const nameBytes = block[at + 6] ?? 0;
    if (recordBytes < 8 || at + recordBytes > block.length || 8 + nameBytes > recordBytes) {
      // An inline folder that is empty is all zero.
      if (stored === 0 && view.getUint32(at, true) === 0) return;
      throw damaged('a folder entry is damaged');
    }
    const number = view.getUint32(at, true);
    const name = Buffer.from(block.subarray(at + 8, at + 8 + nameBytes)).toString('latin1');
    if (number !== 0 && nameBytes > 0 && name !== '.' && name !== '..') yield { name, number };
    at += recordBytes;
  }
}
