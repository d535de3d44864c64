import { crc32 } from 'node:zlib';
import { readUpTo } from './byte-slice.ts';
import type { ByteSource } from './byte-source.ts';
import { guidText, hasText, u64, viewOf } from './fields.ts';

export interface Partition {
  /** As Linux counts: 1 to 4 for MBR primaries, from 5 on for logical ones, the entry's place for GPT. */
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
  /** Of the table's types only this one matters: it holds boot code and no file system. */
  readonly isBiosBoot: boolean;
  /** As `PARTUUID=` in fstab. */
  readonly partUuid: string;
}

const SECTOR = 512;
/** Logical partitions form a list in which a hostile disk could go round for ever. Linux stops at 256 as well. */
const MAX_LOGICAL = 256;
/** UEFI asks for at least 128 entries; parted makes no more. */
const MAX_GPT_ENTRIES = 1_024;
const EXTENDED_TYPES = [0x05, 0x0f, 0x85];
const GPT_PROTECTIVE = 0xee;
/** GPT types: BIOS boot (GRUB) and PReP boot. */
const BOOT_CODE_TYPES = ['21686148-6449-6e6f-744e-656564454649', '9e1a2d38-c612-4316-aa26-8b49521e5a8b'];

/** The partitions of a disk in order of their numbers; undefined when it has no table. */
export async function readPartitions(
  source: ByteSource,
  signal: AbortSignal,
): Promise<readonly Partition[] | undefined> {
  const head = await readUpTo(source, 0, 2 * SECTOR, signal);
  if (head.length < 2 * SECTOR) return undefined;
  if (hasText(head, SECTOR, 'EFI PART')) {
    const gpt = await readGpt(source, head.subarray(SECTOR), signal);
    if (gpt) return gpt;
  }
  return readMbr(source, head, signal);
}

/**
 *   512 + 16  4  CRC-32 of the header with this field zero     72  8  first sector of the entries
 *   12        4  bytes of the header                            80  4  number of entries, 84 4 bytes of one, 88 4 CRC of all
 */
async function readGpt(
  source: ByteSource,
  header: Uint8Array,
  signal: AbortSignal,
): Promise<readonly Partition[] | undefined> {
  const view = viewOf(header);
  const headerBytes = view.getUint32(12, true);
  if (headerBytes < 92 || headerBytes > SECTOR) return undefined;
  const blanked = header.slice(0, headerBytes);
  blanked.fill(0, 16, 20);
  if (crc32(blanked) !== view.getUint32(16, true)) return undefined;
  const [firstSector, count, size] = [u64(view, 72), view.getUint32(80, true), view.getUint32(84, true)];
  const isSane =
    count <= MAX_GPT_ENTRIES && size >= 128 && size <= 4_096 && firstSector * SECTOR + count * size <= source.bytes;
  if (!isSane) return undefined;
  const entries = await source.readAt(firstSector * SECTOR, count * size, signal);
  if (crc32(entries) !== view.getUint32(88, true)) return undefined;
  return Array.from({ length: count }, (_, n) =>
    gptEntry(entries.subarray(n * size, n * size + 128), n + 1, source.bytes),
  ).flat();
}

function gptEntry(entry: Uint8Array, number: number, diskBytes: number): Partition[] {
  const type = guidText(entry.subarray(0, 16));
  const view = viewOf(entry);
  const [first, last] = [u64(view, 32), u64(view, 40)];
  if (type === '00000000-0000-0000-0000-000000000000' || last < first || (last + 1) * SECTOR > diskBytes) return [];
  return [
    {
      number,
      offset: first * SECTOR,
      bytes: (last - first + 1) * SECTOR,
      isBiosBoot: BOOT_CODE_TYPES.includes(type),
      partUuid: guidText(entry.subarray(16, 32)),
    },
  ];
}

interface MbrEntry {
  readonly type: number;
  readonly first: number;
  readonly sectors: number;
}

async function readMbr(
  source: ByteSource,
  head: Uint8Array,
  signal: AbortSignal,
): Promise<readonly Partition[] | undefined> {
  const entries = mbrEntries(head);
  const total = source.bytes / SECTOR;
  const used = entries?.filter(({ type }) => type !== 0) ?? [];
  const areSane = used.every(({ first, sectors }) => first > 0 && sectors > 0 && first + sectors <= total);
  if (!entries || used.length === 0 || !areSane || used.some(({ type }) => type === GPT_PROTECTIVE)) return undefined;
  const diskId = viewOf(head).getUint32(440, true).toString(16).padStart(8, '0');
  const found: Partition[] = [];
  for (const [n, entry] of entries.entries()) {
    if (entry.type === 0) continue;
    if (EXTENDED_TYPES.includes(entry.type)) found.push(...(await readLogical(source, entry, diskId, signal)));
    else found.push(mbrPartition(entry, n + 1, diskId));
  }
  return found.sort((a, b) => a.number - b.number);
}

/** Each link of the list is a table: its first entry is the partition, its second the next link, counted from the first. */
async function readLogical(
  source: ByteSource,
  extended: MbrEntry,
  diskId: string,
  signal: AbortSignal,
): Promise<Partition[]> {
  const found: Partition[] = [];
  const seen = new Set<number>();
  let at = extended.first;
  while (found.length < MAX_LOGICAL && !seen.has(at) && (at + 1) * SECTOR <= source.bytes) {
    seen.add(at);
    const entries = mbrEntries(await source.readAt(at * SECTOR, SECTOR, signal));
    const [own, next] = entries ?? [];
    if (own && own.type !== 0 && (at + own.first + own.sectors) * SECTOR <= source.bytes) {
      found.push(mbrPartition({ ...own, first: at + own.first }, 5 + found.length, diskId));
    }
    if (!next || !EXTENDED_TYPES.includes(next.type)) break;
    at = extended.first + next.first;
  }
  return found;
}

function mbrPartition({ first, sectors }: MbrEntry, number: number, diskId: string): Partition {
  const partUuid = `${diskId}-${number.toString(16).padStart(2, '0')}`;
  return { number, offset: first * SECTOR, bytes: sectors * SECTOR, isBiosBoot: false, partUuid };
}

/** Undefined unless the sector is a partition table: signature, and status bytes that are 0 or 0x80. */
function mbrEntries(sector: Uint8Array): readonly MbrEntry[] | undefined {
  const view = viewOf(sector);
  if (view.getUint16(510, true) !== 0xaa55) return undefined;
  const offsets = [446, 462, 478, 494];
  if (!offsets.every((at) => sector[at] === 0 || sector[at] === 0x80)) return undefined;
  return offsets.map((at) => ({
    type: sector[at + 4] ?? 0,
    first: view.getUint32(at + 8, true),
    sectors: view.getUint32(at + 12, true),
  }));
}
