import type { ByteString, Entry } from '../disk/tree/file-tree.ts';
import { kindOfMode } from '../disk/tree/kind-of-mode.ts';
import { DiskError } from '../errors.ts';

/** sizeof(struct statx): Linux include/uapi/linux/stat.h; it grows only within its spare room. */
export const STATX_BYTES = 256;
const MASK_BTIME = 0x800;

/** `136 4 major   140 4 minor` of what holds it. */
export function deviceOf(facts: Buffer): string {
  return facts.length === STATX_BYTES ? `${facts.readUInt32LE(136)}:${facts.readUInt32LE(140)}` : '';
}

/**
 *   0 4 mask   16 4 links   20 4 uid   24 4 gid   28 2 mode   32 8 inode   40 8 size   128 4 major   132 4 minor
 *   times, each 8 seconds and 4 nanoseconds:   64 atime   80 btime   96 ctime   112 mtime        little-endian
 */
export function decodeStatx(name: ByteString, bytes: Buffer): Entry {
  if (bytes.length !== STATX_BYTES) throw new DiskError('UnreadableDisk', `facts of ${bytes.length} bytes`);
  const mode = bytes.readUInt16LE(28);
  const kind = kindOfMode(mode);
  const size = Number(bytes.readBigUInt64LE(40));
  if (!kind || !Number.isSafeInteger(size))
    throw new DiskError('UnreadableDisk', `an entry of kind ${mode >>> 12} and ${size} bytes`);
  const timeAt = (at: number) => bytes.readBigInt64LE(at) * 1_000_000_000n + BigInt(bytes.readUInt32LE(at + 8));
  const isDevice = kind === 'character-device' || kind === 'block-device';
  return {
    name,
    kind,
    size,
    mode: mode & 0o7777,
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    atimeNs: timeAt(64),
    mtimeNs: timeAt(112),
    ctimeNs: timeAt(96),
    ...((bytes.readUInt32LE(0) & MASK_BTIME) !== 0 && { btimeNs: timeAt(80) }),
    inode: bytes.readBigUInt64LE(32),
    links: bytes.readUInt32LE(16),
    ...(isDevice && { rdev: { major: bytes.readUInt32LE(128), minor: bytes.readUInt32LE(132) } }),
  };
}
