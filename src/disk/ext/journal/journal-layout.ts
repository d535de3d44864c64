import { crc32c } from '../../crc32c.ts';
import { viewOf } from '../../fields.ts';
import { damaged } from '../layout.ts';

/** Linux: include/linux/jbd2.h. Everything in a journal is big-endian. */
const MAGIC = 0xc03b3998;
export const BLOCK_TYPE = { descriptor: 1, commit: 2, superblock1: 3, superblock2: 4, revoke: 5 } as const;
const INCOMPAT = { revoke: 1, wide: 2, async: 4, checksums2: 8, checksums3: 16, fastCommit: 32 } as const;
const KNOWN = 63;
const DEFAULT_FAST_COMMIT_BLOCKS = 256;
const TAG_FLAG = { escaped: 1, sameUuid: 2, last: 8 } as const;

export interface JournalLayout {
  /** Blocks of the log: from `first` up to `end`, then again from `first`. */
  readonly first: number;
  readonly end: number;
  /** 0: nothing to replay. */
  readonly start: number;
  readonly sequence: number;
  readonly isWide: boolean;
  readonly checksums: 'none' | 'v2' | 'v3';
  readonly hasFastCommits: boolean;
  readonly uuid: Uint8Array;
}

/**
 *   12 4 blockBytes   16 4 blocks   20 4 first   24 4 sequence   28 4 start   40 4 incompat   48 16 uuid   84 4 fast-commit blocks
 */
export function decodeJournalSuperblock(
  block: Uint8Array,
  { blockBytes }: { readonly blockBytes: number },
): JournalLayout {
  const view = viewOf(block);
  const { type } = headerOf(block) ?? {};
  if (type !== BLOCK_TYPE.superblock1 && type !== BLOCK_TYPE.superblock2)
    throw damaged('its journal has no superblock');
  const incompat = type === BLOCK_TYPE.superblock2 ? view.getUint32(40) : 0;
  if ((incompat & ~KNOWN) !== 0) throw damaged(`its journal has features 0x${incompat.toString(16)} of later versions`);
  const hasFastCommits = (incompat & INCOMPAT.fastCommit) !== 0;
  const fastBlocks = hasFastCommits ? view.getUint32(84) || DEFAULT_FAST_COMMIT_BLOCKS : 0;
  const [blocks, first, start] = [view.getUint32(16), view.getUint32(20), view.getUint32(28)];
  const end = blocks - fastBlocks;
  if (view.getUint32(12) !== blockBytes || first < 1 || first >= end || start >= end || (start !== 0 && start < first))
    throw damaged('the superblock of its journal is damaged');
  return {
    first,
    end,
    start,
    sequence: view.getUint32(24),
    isWide: (incompat & INCOMPAT.wide) !== 0,
    checksums: (incompat & INCOMPAT.checksums3) !== 0 ? 'v3' : (incompat & INCOMPAT.checksums2) !== 0 ? 'v2' : 'none',
    hasFastCommits,
    uuid: block.slice(48, 64),
  };
}

/** Undefined for what is not a block of the journal's own, such as the end of the log. */
export function headerOf(block: Uint8Array): { readonly type: number; readonly sequence: number } | undefined {
  const view = viewOf(block);
  if (view.getUint32(0) !== MAGIC) return undefined;
  return { type: view.getUint32(4), sequence: view.getUint32(8) };
}

export interface Tag {
  /** Where the block belongs. */
  readonly block: number;
  /** It began with the journal's magic, which was blanked. */
  readonly escaped: boolean;
  readonly checksum: number;
}

/** Sizes of a tag: 16 with v3 checksums, else 8, and 2 more for v2 checksums, and 4 more for wide numbers. */
export function decodeTags(block: Uint8Array, { checksums, isWide }: JournalLayout): readonly Tag[] {
  const view = viewOf(block);
  const isV3 = checksums === 'v3';
  const tagBytes = isV3 ? 16 : 8 + (checksums === 'v2' ? 2 : 0) + (isWide ? 4 : 0);
  const end = block.length - (checksums === 'none' ? 0 : 4);
  const tags: Tag[] = [];
  for (let at = 12; at + tagBytes <= end; ) {
    const flags = isV3 ? view.getUint32(at + 4) : view.getUint16(at + 6);
    const high = isWide ? view.getUint32(at + 8) : 0;
    tags.push({
      block: high * 2 ** 32 + view.getUint32(at),
      escaped: (flags & TAG_FLAG.escaped) !== 0,
      checksum: isV3 ? view.getUint32(at + 12) : view.getUint16(at + 4),
    });
    at += tagBytes + ((flags & TAG_FLAG.sameUuid) !== 0 ? 0 : 16);
    if ((flags & TAG_FLAG.last) !== 0) break;
  }
  return tags;
}

/** Blocks whose earlier contents must not be replayed: 12 4 bytes in use, 16 … numbers. */
export function decodeRevoked(block: Uint8Array, { isWide, checksums }: JournalLayout): readonly number[] {
  const view = viewOf(block);
  const used = view.getUint32(12);
  const size = isWide ? 8 : 4;
  if (used < 16 || used > block.length - (checksums === 'none' ? 0 : 4)) throw damaged('a revoke block is damaged');
  const blocks: number[] = [];
  for (let at = 16; at + size <= used; at += size)
    blocks.push(isWide ? view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4) : view.getUint32(at));
  return blocks;
}

/** The checksum of a descriptor or revoke block stands in its last 4 bytes, that of a commit block at 16. */
export function hasValidChecksum(block: Uint8Array, { uuid, checksums }: JournalLayout): boolean {
  if (checksums === 'none') return true;
  const at = headerOf(block)?.type === BLOCK_TYPE.commit ? 16 : block.length - 4;
  const blanked = new Uint8Array(block); // slice() of a Buffer would be the source's own memory
  blanked.fill(0, at, at + 4);
  return viewOf(block).getUint32(at) === rawChecksum([uuid, blanked]);
}

export function isContentIntact(
  content: Uint8Array,
  { tag, sequence }: { readonly tag: Tag; readonly sequence: number },
  { uuid, checksums }: JournalLayout,
): boolean {
  if (checksums === 'none') return true;
  const number = new Uint8Array(4);
  viewOf(number).setUint32(0, sequence);
  const sum = rawChecksum([uuid, number, content]);
  return tag.checksum === (checksums === 'v3' ? sum : sum & 0xffff);
}

/** Linux leaves out the final inversion. */
function rawChecksum(parts: readonly Uint8Array[]): number {
  return (crc32c(Buffer.concat(parts)) ^ 0xffffffff) >>> 0;
}
