import { DiskError } from '../../errors.ts';
import type { ByteSource } from '../byte-source.ts';
import { viewOf } from '../fields.ts';
import { EXT_MAGIC, EXT_SUPERBLOCK } from '../superblocks/ext.ts';

/** Layout features that move things to where this reader does not look: compression, journal device, meta_bg. */
const UNSUPPORTED = 0x1 | 0x8 | 0x10;
const INCOMPAT_64BIT = 0x80;

export interface ExtLayout {
  readonly source: ByteSource;
  readonly blockBytes: number;
  readonly inodeCount: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  readonly descriptorsAt: number;
  readonly descriptorBytes: number;
}

export interface Inode {
  readonly number: number;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  readonly flags: number;
  /** The 60 bytes that hold block numbers, extents or a short link. */
  readonly map: Uint8Array;
}

/** Linux: fs/ext4/ext4.h. Any bytes give a layout whose numbers are sane, or a DiskError. */
export async function readLayout(source: ByteSource, signal: AbortSignal): Promise<ExtLayout> {
  if (source.bytes < EXT_SUPERBLOCK + 1_024) throw damaged('it is too small for a superblock');
  const view = viewOf(await source.readAt(EXT_SUPERBLOCK, 1_024, signal));
  if (view.getUint16(56, true) !== EXT_MAGIC) throw damaged('it has no ext superblock');
  const incompat = view.getUint32(96, true);
  if ((incompat & UNSUPPORTED) !== 0)
    throw damaged(`its features 0x${incompat.toString(16)} are not read by this version`);
  const [blockLog, inodesPerGroup, revision] = [
    view.getUint32(24, true),
    view.getUint32(40, true),
    view.getUint32(76, true),
  ];
  const inodeBytes = revision === 0 ? 128 : view.getUint16(88, true);
  const descriptorBytes = (incompat & INCOMPAT_64BIT) !== 0 ? view.getUint16(254, true) : 32;
  const isSane =
    blockLog <= 6 &&
    inodesPerGroup > 0 &&
    inodeBytes >= 128 &&
    inodeBytes <= 65_536 &&
    descriptorBytes >= 32 &&
    descriptorBytes <= 1_024;
  if (!isSane) throw damaged('its superblock is damaged');
  const blockBytes = 1_024 << blockLog;
  return {
    source,
    blockBytes,
    inodeCount: view.getUint32(0, true),
    inodesPerGroup,
    inodeBytes,
    descriptorsAt: (view.getUint32(20, true) + 1) * blockBytes,
    descriptorBytes,
  };
}

/**
 *   0 2 mode   4 4 size   32 4 flags   40 60 map   108 4 upper half of the size
 */
export async function readInode(layout: ExtLayout, number: number, signal: AbortSignal): Promise<Inode> {
  if (number < 1 || number > layout.inodeCount)
    throw damaged(`a folder names inode ${number}, there are ${layout.inodeCount}`);
  const group = Math.floor((number - 1) / layout.inodesPerGroup);
  const descriptor = viewOf(
    await layout.source.readAt(layout.descriptorsAt + group * layout.descriptorBytes, layout.descriptorBytes, signal),
  );
  const high = layout.descriptorBytes >= 64 ? descriptor.getUint32(40, true) : 0;
  const table = (high * 2 ** 32 + descriptor.getUint32(8, true)) * layout.blockBytes;
  const bytes = await layout.source.readAt(
    table + ((number - 1) % layout.inodesPerGroup) * layout.inodeBytes,
    128,
    signal,
  );
  const view = viewOf(bytes);
  return {
    number,
    kind: KINDS[view.getUint16(0, true) >> 12] ?? 'other',
    size: view.getUint32(108, true) * 2 ** 32 + view.getUint32(4, true),
    flags: view.getUint32(32, true),
    map: bytes.slice(40, 100),
  };
}

/** Upper four bits of the mode (POSIX S_IFMT). */
const KINDS: Readonly<Record<number, Inode['kind']>> = { 4: 'folder', 8: 'file', 10: 'link' };

export function damaged(found: string): DiskError {
  return new DiskError('UnreadableDisk', `The ext file system cannot be read: ${found}.`);
}
