import { damaged } from '../layout.ts';
import {
  BLOCK_TYPE,
  decodeRevoked,
  decodeTags,
  hasValidChecksum,
  headerOf,
  type JournalLayout,
  type Tag,
} from './journal-layout.ts';

/** A block of the file system whose latest committed content lies in the journal. */
export interface LoggedBlock {
  readonly tag: Tag;
  readonly sequence: number;
  /** Number of the journal's block that holds it. */
  readonly logBlock: number;
}

export interface Log {
  readonly blocks: ReadonlyMap<number, LoggedBlock>;
  readonly transactions: number;
  /** The sequence that would come next. */
  readonly nextSequence: number;
}

/** 2^20 blocks of 4 KiB: 4 GiB, four times mke2fs' largest journal. Bounds memory against a hostile log. */
const MAX_BLOCKS = 1 << 20;

/**
 * What mounting would replay: every transaction from the start up to the first that is not whole. Revoked blocks are left
 * out: they were freed, and may hold a file's bytes now. Reads descriptors only, not the contents between them.
 */
export async function readLog(
  layout: JournalLayout,
  readBlock: (logBlock: number) => Promise<Uint8Array>,
): Promise<Log> {
  const blocks = new Map<number, LoggedBlock>();
  const revoked = new Map<number, number>();
  let open: { written: LoggedBlock[]; revoked: number[] } = { written: [], revoked: [] };
  let { sequence } = layout;
  let transactions = 0;
  const room = layout.end - layout.first;
  const at = (step: number) => layout.first + ((layout.start - layout.first + step) % room);
  for (let step = 0; step < room; ) {
    const block = await readBlock(at(step));
    const header = headerOf(block);
    if (header?.sequence !== sequence || !hasValidChecksum(block, layout)) break;
    step++;
    if (header.type === BLOCK_TYPE.descriptor) {
      for (const tag of decodeTags(block, layout)) open.written.push({ tag, sequence, logBlock: at(step++) });
    } else if (header.type === BLOCK_TYPE.revoke) {
      open.revoked.push(...decodeRevoked(block, layout));
    } else if (header.type === BLOCK_TYPE.commit) {
      for (const written of open.written) blocks.set(written.tag.block, written);
      for (const number of open.revoked) revoked.set(number, sequence);
      if (blocks.size + revoked.size > MAX_BLOCKS) throw damaged('its journal names more blocks than journals hold');
      open = { written: [], revoked: [] };
      transactions++;
      sequence = (sequence + 1) >>> 0;
    } else break;
  }
  for (const [number, upTo] of revoked) {
    const written = blocks.get(number);
    if (written && !isLater(written.sequence, upTo)) blocks.delete(number);
  }
  return { blocks, transactions, nextSequence: sequence };
}

/** Sequence numbers wrap around at 2^32. */
function isLater(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
