import { DiskError } from '../../errors.ts';
import type { ByteSource } from '../byte-source.ts';
import { viewOf } from '../fields.ts';
import { EXT_MAGIC, EXT_SUPERBLOCK } from '../superblocks/ext.ts';

/**
 * What this reader knows of the features that one must know to read: filetype, recover, meta_bg, extents, 64bit, mmp,
 * flex_bg, ea_inode, csum_seed, largedir, inline_data, encrypt, casefold. Not: compression, a journal device, dirdata.
 */
const KNOWN = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000;
const INCOMPAT_META_BG = 0x10;
const INCOMPAT_64BIT = 0x80;
const COMPAT_SPARSE_SUPER2 = 0x200;
const RO_COMPAT_SPARSE_SUPER = 0x1;

export interface ExtLayout {
  readonly source: ByteSource;
  readonly blockBytes: number;
  readonly inodeCount: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  readonly descriptorsAt: number;
  readonly descriptorBytes: number;
  /** From this block of descriptors on they stand in the groups they describe (meta_bg); Infinity without. */
  readonly firstMetaBlock: number;
  readonly blocksPerGroup: number;
  readonly firstDataBlock: number;
  /** Which groups begin with a copy of the superblock. */
  readonly hasSuperblock: (group: number) => boolean;
}

export interface Inode {
  readonly number: number;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  readonly flags: number;
  /** The 60 bytes that hold block numbers, extents or a short link. */
  readonly map: Uint8Array;
  /** The whole inode, for what only a few readers want of it. */
  readonly raw: Uint8Array;
  /** Where more attributes are; 0 for none. */
  readonly attributeBlock: number;
}

/** Linux: fs/ext4/ext4.h. Any bytes give a layout whose numbers are sane, or a DiskError. */
export async function readLayout(source: ByteSource, signal: AbortSignal): Promise<ExtLayout> {
  if (source.bytes < EXT_SUPERBLOCK + 1_024) throw damaged('it is too small for a superblock');
  const view = viewOf(await source.readAt(EXT_SUPERBLOCK, 1_024, signal));
  if (view.getUint16(56, true) !== EXT_MAGIC) throw damaged('it has no ext superblock');
  const incompat = view.getUint32(96, true);
  if ((incompat & ~KNOWN) !== 0)
    throw damaged(`its features 0x${(incompat & ~KNOWN).toString(16)} are not read by this version`);
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
    view.getUint32(32, true) > 0 &&
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
    // Behind the block that holds the superblock; with bigalloc that need not be the first data block.
    descriptorsAt: (Math.floor(EXT_SUPERBLOCK / blockBytes) + 1) * blockBytes,
    descriptorBytes,
    firstMetaBlock: (incompat & INCOMPAT_META_BG) !== 0 ? view.getUint32(260, true) : Number.POSITIVE_INFINITY,
    blocksPerGroup: view.getUint32(32, true),
    firstDataBlock: view.getUint32(20, true),
    hasSuperblock: superblockGroups(view),
  };
}

/** Where the descriptor of a group is: in one table, or with meta_bg at the start of the first group it describes. */
function descriptorAt(layout: ExtLayout, group: number): number {
  const { descriptorsAt, descriptorBytes, blockBytes, firstMetaBlock, blocksPerGroup, firstDataBlock } = layout;
  const perBlock = Math.floor(blockBytes / descriptorBytes);
  const block = Math.floor(group / perBlock);
  if (block < firstMetaBlock) return descriptorsAt + group * descriptorBytes;
  const firstGroup = block * perBlock;
  const holder = firstDataBlock + firstGroup * blocksPerGroup;
  // Blocks of 1 KiB that are counted from 0 (bigalloc): the boot block comes before the superblock.
  const bootBlocks = firstGroup === 0 && firstDataBlock === 0 && blockBytes === EXT_SUPERBLOCK ? 1 : 0;
  return (
    (holder + bootBlocks + (layout.hasSuperblock(firstGroup) ? 1 : 0)) * blockBytes +
    (group % perBlock) * descriptorBytes
  );
}

/** sparse_super2: group 0 and the two it names; sparse_super: 0, 1 and powers of 3, 5 and 7; neither: all. */
function superblockGroups(superblock: DataView): (group: number) => boolean {
  if ((superblock.getUint32(92, true) & COMPAT_SPARSE_SUPER2) !== 0) {
    const named = [0, superblock.getUint32(588, true), superblock.getUint32(592, true)];
    return (group) => named.includes(group);
  }
  if ((superblock.getUint32(100, true) & RO_COMPAT_SPARSE_SUPER) === 0) return () => true;
  return (group) => group <= 1 || [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

/**
 *   0 2 mode   4 4 size   32 4 flags   40 60 map   104 4 attribute block   108 4 upper half of the size   118 2 of that block
 */
export async function readInode(layout: ExtLayout, number: number, signal: AbortSignal): Promise<Inode> {
  if (number < 1 || number > layout.inodeCount)
    throw damaged(`a folder names inode ${number}, there are ${layout.inodeCount}`);
  const group = Math.floor((number - 1) / layout.inodesPerGroup);
  const descriptor = viewOf(await layout.source.readAt(descriptorAt(layout, group), layout.descriptorBytes, signal));
  const high = layout.descriptorBytes >= 64 ? descriptor.getUint32(40, true) : 0;
  const table = (high * 2 ** 32 + descriptor.getUint32(8, true)) * layout.blockBytes;
  const at = table + ((number - 1) % layout.inodesPerGroup) * layout.inodeBytes;
  const raw = await layout.source.readAt(at, layout.inodeBytes, signal);
  const view = viewOf(raw);
  return {
    number,
    kind: KINDS[view.getUint16(0, true) >> 12] ?? 'other',
    size: view.getUint32(108, true) * 2 ** 32 + view.getUint32(4, true),
    flags: view.getUint32(32, true),
    map: raw.slice(40, 100),
    raw,
    attributeBlock: view.getUint16(118, true) * 2 ** 32 + view.getUint32(104, true),
  };
}

/** Upper four bits of the mode (POSIX S_IFMT). */
const KINDS: Readonly<Record<number, Inode['kind']>> = { 4: 'folder', 8: 'file', 10: 'link' };

export function damaged(found: string): DiskError {
  return new DiskError('UnreadableDisk', `The ext file system cannot be read: ${found}.`);
}
