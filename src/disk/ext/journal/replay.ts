import type { ByteSource } from '../../byte-source.ts';
import { viewOf } from '../../fields.ts';
import { EXT_SUPERBLOCK, recognizeExt } from '../../superblocks/ext.ts';
import { mapBlock } from '../block-map.ts';
import { damaged, type ExtLayout, readInode, readLayout } from '../layout.ts';
import { decodeJournalSuperblock, type JournalLayout } from './journal-layout.ts';
import { createLoggedSource } from './logged-source.ts';
import { readLog } from './read-log.ts';

const INCOMPAT_RECOVER = 0x4;
/** Linux: fs/ext4/fast_commit.h. It begins the fast commits of one transaction; little-endian, unlike the journal. */
const FAST_COMMIT_HEAD = 0x09;

export interface Replayed {
  readonly source: ByteSource;
  readonly kind: string;
  readonly notices: readonly string[];
}

/**
 * The disk as it would be after the kernel had mounted it: what the journal holds covers what lies in place. Nothing is
 * written. A file system that says its journal is empty is returned as it is.
 */
export async function replayJournal(source: ByteSource, signal: AbortSignal): Promise<Replayed> {
  const layout = await readLayout(source, signal);
  const head = await source.readAt(0, EXT_SUPERBLOCK + 1_024, signal);
  const finding = recognizeExt(head);
  const superblock = viewOf(head.subarray(EXT_SUPERBLOCK));
  const kind = finding?.kind ?? 'ext4';
  if ((superblock.getUint32(96, true) & INCOMPAT_RECOVER) === 0) {
    return { source, kind, notices: !finding || finding.state === 'clean' ? [] : [finding.found] };
  }
  const inode = superblock.getUint32(224, true);
  if (inode === 0) throw damaged('its journal is on another device, and needs to be replayed');
  const readBlock = await openJournal(layout, inode, signal);
  const journal = decodeJournalSuperblock(await readBlock(0), layout);
  if (journal.start === 0) return { source, kind, notices: [] };
  const log = await readLog(journal, readBlock);
  await mustHaveNoFastCommits(journal, log.nextSequence, readBlock);
  const notice = `the journal was replayed in memory: ${log.transactions} transactions, ${log.blocks.size} blocks`;
  const covered = createLoggedSource({ source, blockBytes: layout.blockBytes, log, journal, readBlock });
  return { source: covered, kind, notices: [notice] };
}

async function openJournal(layout: ExtLayout, number: number, signal: AbortSignal) {
  const inode = await readInode(layout, number, signal);
  return async (block: number): Promise<Uint8Array> => {
    const { physical } = await mapBlock(layout, inode, block, 1, signal);
    if (physical === 0) throw damaged('its journal has a hole');
    return layout.source.readAt(physical * layout.blockBytes, layout.blockBytes, signal);
  };
}

/** They describe changes instead of holding blocks; without them files of the last seconds would be wrong or missing. */
async function mustHaveNoFastCommits(
  { hasFastCommits, end }: JournalLayout,
  nextSequence: number,
  readBlock: (block: number) => Promise<Uint8Array>,
): Promise<void> {
  if (!hasFastCommits) return;
  const view = viewOf(await readBlock(end));
  const isUsed = view.getUint16(0, true) === FAST_COMMIT_HEAD && view.getUint32(8, true) === nextSequence;
  if (isUsed) throw damaged('its journal holds fast commits, which this version does not replay');
}
