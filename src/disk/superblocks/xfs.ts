import type { ByteSource } from '../byte-source.ts';
import { fieldText, hasText, uuidText, viewOf } from '../fields.ts';
import { guestText } from '../guest-text.ts';
import type { Finding } from './finding.ts';

// Linux: fs/xfs/libxfs/xfs_format.h and xfs_log_format.h; everything is big-endian.
const BASIC_BLOCK = 512;
const RECORD_MAGIC = 0xfeedbabe;
const UNMOUNT = 0x20;
/** A record is at most 256 KiB of body and 8 headers (XLOG_MAX_RECORD_BSIZE); padding to a stripe is within. */
const MAX_RECORD_BLOCKS = 512 + 8 + 8;

interface Log {
  readonly source: ByteSource;
  readonly offset: number;
  readonly blocks: number;
}

/** Clean when the last record of the log is the unmount record: the test the kernel itself makes (xlog_check_unmount_rec). */
export async function recognizeXfs(
  head: Uint8Array,
  source: ByteSource,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  if (head.length < BASIC_BLOCK || !hasText(head, 0, 'XFSB')) return undefined;
  const named = {
    kind: 'xfs',
    uuid: uuidText(head.subarray(32, 48)),
    label: guestText(fieldText(head.subarray(108, 120)), 12),
  };
  const log = locateLog(viewOf(head), source);
  if (log === undefined)
    return { ...named, state: 'unknown', found: 'its log lies elsewhere or the superblock is damaged' };
  const record = await readLastRecord(log, await findHead(log, signal), signal);
  if (record === 'unmount') return { ...named, state: 'clean', found: 'the log ends with the unmount record' };
  if (record === 'other') return { ...named, state: 'dirty', found: 'the log needs recovery' };
  return { ...named, state: 'unknown', found: 'the end of the log was not found' };
}

/**
 *   4  4  block bytes    48  8  first log block, by group    84  4  blocks of a group    96  4  log blocks    124  1  log2 of group blocks
 */
function locateLog(view: DataView, source: ByteSource): Log | undefined {
  const [blockBytes, groupBlocks, logBlocks] = [view.getUint32(4), view.getUint32(84), view.getUint32(96)];
  const groupLog = view.getUint8(124);
  const start = view.getBigUint64(48);
  const isSane =
    blockBytes >= 512 &&
    blockBytes <= 65_536 &&
    (blockBytes & (blockBytes - 1)) === 0 &&
    groupLog > 0 &&
    groupLog <= 31;
  if (!isSane || start === 0n || logBlocks === 0) return undefined;
  const group = Number(start >> BigInt(groupLog));
  const offset = (group * groupBlocks + Number(start & ((1n << BigInt(groupLog)) - 1n))) * blockBytes;
  const bytes = logBlocks * blockBytes;
  return Number.isSafeInteger(offset) && offset + bytes <= source.bytes
    ? { source, offset, blocks: bytes / BASIC_BLOCK }
    : undefined;
}

/**
 * Every basic block carries the number of its cycle. Blocks before the head are of this cycle, those behind it of the one
 * before (0: never written), so the head is found by halving. A log torn by a crash may mislead it, but not to an unmount
 * record that ends exactly at the head.
 */
async function findHead(log: Log, signal: AbortSignal): Promise<number> {
  const newest = await cycleOf(log, 0, signal);
  if (newest === (await cycleOf(log, log.blocks - 1, signal))) return 0; // just wrapped: the head is the end
  let [same, other] = [0, log.blocks - 1];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if ((await cycleOf(log, middle, signal)) === newest) same = middle;
    else other = middle;
  }
  return other;
}

async function cycleOf({ source, offset }: Log, block: number, signal: AbortSignal): Promise<number> {
  const view = viewOf(await source.readAt(offset + block * BASIC_BLOCK, 8, signal));
  return view.getUint32(0) === RECORD_MAGIC ? view.getUint32(4) : view.getUint32(0);
}

/**
 *   0 4 magic   8 4 version   12 4 bytes of the body   40 4 operations   320 4 size of the log buffer
 * The body's first operation: 8 1 client, 9 1 flags.
 */
async function readLastRecord(log: Log, head: number, signal: AbortSignal): Promise<'unmount' | 'other' | 'none'> {
  const count = Math.min(MAX_RECORD_BLOCKS, log.blocks);
  const window = await readWrapped(log, head - count, count, signal);
  const view = viewOf(window);
  for (let block = count - 1; block >= 0; block--) {
    const at = block * BASIC_BLOCK;
    if (view.getUint32(at) !== RECORD_MAGIC) continue;
    const bodyBytes = view.getUint32(at + 12);
    const bufferBytes = view.getUint32(at + 320);
    const headers = view.getUint32(at + 8) === 2 && bufferBytes > 32_768 ? Math.ceil(bufferBytes / 32_768) : 1;
    const body = block + headers;
    const endsAtHead = body + Math.ceil(bodyBytes / BASIC_BLOCK) === count;
    const isUnmount =
      view.getUint32(at + 40) === 1 && body < count && (view.getUint8(body * BASIC_BLOCK + 9) & UNMOUNT) !== 0;
    return endsAtHead && isUnmount ? 'unmount' : 'other';
  }
  return 'none';
}

/** `from` may be negative: the log is a ring. */
async function readWrapped(
  { source, offset, blocks }: Log,
  from: number,
  count: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (from >= 0) return source.readAt(offset + from * BASIC_BLOCK, count * BASIC_BLOCK, signal);
  const before = -from;
  const tail = await source.readAt(offset + (blocks - before) * BASIC_BLOCK, before * BASIC_BLOCK, signal);
  if (count === before) return tail;
  return Buffer.concat([tail, await source.readAt(offset, (count - before) * BASIC_BLOCK, signal)]);
}
