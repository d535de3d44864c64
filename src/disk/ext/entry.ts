import { viewOf } from '../fields.ts';
import type { ByteString, Entry } from '../tree/file-tree.ts';
import { kindOfMode } from '../tree/kind-of-mode.ts';
import { damaged, type Inode } from './layout.ts';

/** Block numbers are 32 bits wide, so no file is longer than 2^32 blocks of 64 KiB. */
const MAX_FILE_BYTES = 2 ** 48;
/** Inodes of 128 bytes keep neither parts of seconds nor a time of birth. */
const OLD_INODE_BYTES = 128;

/**
 *   0 2 mode   2 2 uid   8 4 atime   12 4 ctime   16 4 mtime   24 2 gid   26 2 links   120 2 uid, upper   122 2 gid, upper
 *   128 2 extraBytes   132 4 ctime+   136 4 mtime+   140 4 atime+   144 4 btime   148 4 btime+
 */
export function decodeEntry(name: ByteString, { number, raw, size, map }: Inode): Entry {
  const view = viewOf(raw);
  const mode = view.getUint16(0, true);
  const kind = kindOfMode(mode);
  const links = view.getUint16(26, true);
  if (!kind) throw damaged(`inode ${number} has no known kind`);
  if (links === 0) throw damaged(`inode ${number} is not in use`);
  if (size > MAX_FILE_BYTES) throw damaged(`inode ${number} has ${size} bytes`);
  const end = raw.length > OLD_INODE_BYTES + 4 ? OLD_INODE_BYTES + view.getUint16(128, true) : OLD_INODE_BYTES;
  const time = (at: number, extraAt: number) => timeOf(view, { at, extraAt: extraAt + 4 <= end ? extraAt : undefined });
  const isDevice = kind === 'character-device' || kind === 'block-device';
  return {
    name,
    kind,
    size: kind === 'folder' || kind === 'file' || kind === 'link' ? size : 0,
    mode: mode & 0xfff,
    uid: view.getUint16(120, true) * 65_536 + view.getUint16(2, true),
    gid: view.getUint16(122, true) * 65_536 + view.getUint16(24, true),
    atimeNs: time(8, 140),
    ctimeNs: time(12, 132),
    mtimeNs: time(16, 136),
    ...(152 <= end && { btimeNs: time(144, 148) }),
    inode: BigInt(number),
    links,
    ...(isDevice && { rdev: deviceOf(viewOf(map)) }),
  };
}

/** Signed seconds; the extra field adds two upper bits of the seconds (for years to 2446) and nanoseconds above them. */
function timeOf(
  view: DataView,
  { at, extraAt }: { readonly at: number; readonly extraAt: number | undefined },
): bigint {
  const extra = extraAt !== undefined && extraAt + 4 <= view.byteLength ? view.getUint32(extraAt, true) : 0;
  const seconds = BigInt(view.getInt32(at, true)) + (BigInt(extra & 3) << 32n);
  return seconds * 1_000_000_000n + BigInt(extra >>> 2);
}

/** Linux: new_decode_dev. Small numbers in the old form of 16 bits, others in the second word. */
function deviceOf(map: DataView): { major: number; minor: number } {
  const old = map.getUint32(0, true);
  if (old !== 0) return { major: (old >> 8) & 0xff, minor: old & 0xff };
  const wide = map.getUint32(4, true);
  return { major: (wide >> 8) & 0xfff, minor: (wide & 0xff) | ((wide >>> 12) & 0xfff00) };
}
