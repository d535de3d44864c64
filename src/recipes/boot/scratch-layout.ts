import { MAX_OUTPUT_GIB, type OutputRegion } from '../../contract/agent-output.ts';
import { guestText } from '../../disk/guest-text.ts';
import { DiskError } from '../../errors.ts';

/**
 * The scratch volume, read and written by boot.sh with dd alone, so everything lies on 4 KiB and headers are lines.
 *
 *   0        4 KiB   "USCRATCH1", runId, bytes of the payload, its SHA-256 in hex, each ended by a newline; then zeros,
 *                    but for the partition entry at 446 where agents run
 *   4 KiB            payload: a tar of scripts, parameters and plan
 *   1 MiB    4 KiB   "USRESULT1", runId, bytes of the results, their SHA-256; written last, so that a partial write
 *                    leaves no header
 *   1 MiB + 4 KiB    results: a tar
 *   whole GiB        partition 1 up to the end, where agents run: the file system that they write to; where something is
 *                    taken out of an application, the thing itself and no partition
 */
export const HEADER_BYTES = 4_096;
const PAYLOAD_OFFSET = HEADER_BYTES;
export const RESULT_OFFSET = 1 << 20;
export const MAX_PAYLOAD_BYTES = RESULT_OFFSET - PAYLOAD_OFFSET;
/** boot.sh cuts each output to 64 KiB; three recipes with four steps and the journal make about 1 MiB. */
export const MAX_RESULT_BYTES = 16 << 20;

export const SCRATCH_MAGIC = 'USCRATCH1';
export const RESULT_MAGIC = 'USRESULT1';

const GIB = 2 ** 30;
const SECTOR = 512;
const PARTITION_ENTRY = 446;
const BOOT_SIGNATURE = 510;
const LINUX = 0x83;

export interface ScratchHeader {
  readonly runId: string;
  readonly bytes: number;
  readonly sha256: string;
}

export function encodeHeader(magic: string, { runId, bytes, sha256 }: ScratchHeader): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(new TextEncoder().encode(`${magic}\n${runId}\n${bytes}\n${sha256}\n`));
  return header;
}

/**
 * Adds the partition of the output region to a scratch volume's first sector. An MBR, because the kernel reads it by
 * itself: the guest needs neither loop devices nor a tool for partitions.
 */
export function addPartition(header: Uint8Array, { fromGiB, giB }: OutputRegion): void {
  if (fromGiB + giB > MAX_OUTPUT_GIB + 1)
    throw new RangeError(`an output of ${giB} GiB, at most ${MAX_OUTPUT_GIB} GiB fit an MBR`);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  view.setUint8(PARTITION_ENTRY + 4, LINUX);
  view.setUint32(PARTITION_ENTRY + 8, (fromGiB * GIB) / SECTOR, true);
  view.setUint32(PARTITION_ENTRY + 12, (giB * GIB) / SECTOR, true);
  view.setUint16(BOOT_SIGNATURE, 0xaa55, true);
}

/** Undefined when the bytes do not start with the magic: nothing was written. A DiskError for anything half right. */
export function decodeHeader(magic: string, bytes: Uint8Array, limitBytes: number): ScratchHeader | undefined {
  const text = new TextDecoder().decode(bytes.subarray(0, 256));
  if (!text.startsWith(`${magic}\n`)) return undefined;
  const match = /^\w+\n(\d{8}T\d{6}Z-[0-9a-f]{8})\n(\d{1,9})\n([0-9a-f]{64})\n/.exec(text);
  if (!match?.[1] || !match[2] || !match[3] || Number(match[2]) > limitBytes) {
    throw new DiskError('UnreadableDisk', `The scratch volume's ${magic} header is damaged: "${guestText(text, 80)}".`);
  }
  return { runId: match[1], bytes: Number(match[2]), sha256: match[3] };
}
