import { readUpTo } from '../byte-slice.ts';
import type { ByteSource } from '../byte-source.ts';
import { fieldText, viewOf } from '../fields.ts';
import { guestText } from '../guest-text.ts';
import type { Finding } from './finding.ts';

const SECTOR_SIZES = [512, 1_024, 2_048, 4_096];
/** Linux marks a mounted volume here (fs/fat/inode.c: fat_set_state). */
const STATE_DIRTY = 1;
/** Second entry of the table: bit set = cleanly shut down (Microsoft FAT specification, FAT[1]). */
const CLEAN_FAT32 = 0x0800_0000;
const CLEAN_FAT16 = 0x8000;
/** With its cure: an orderly end does not clear it once it was set at a mount (boot.sh: check_vfat). */
const MARKED = 'the dirty bit is set, and only a check clears it: install dosfstools (fsck.vfat) in production';

/**
 *   11 2 bytes per sector   13 1 sectors per cluster   14 2 reserved sectors   16 1 tables   22 2 sectors per table, 0 = FAT32
 *   FAT32: 65 1 state, 67 4 serial, 71 11 label      FAT12/16: 37, 39, 43
 */
export async function recognizeVfat(
  head: Uint8Array,
  source: ByteSource,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  if (head.length < 512) return undefined;
  const view = viewOf(head);
  const [sectorBytes, perCluster, reserved, tables] = [
    view.getUint16(11, true),
    head[13] ?? 0,
    view.getUint16(14, true),
    head[16] ?? 0,
  ];
  const isFat =
    view.getUint16(510, true) === 0xaa55 &&
    SECTOR_SIZES.includes(sectorBytes) &&
    perCluster > 0 &&
    (perCluster & (perCluster - 1)) === 0 &&
    reserved > 0 &&
    (tables === 1 || tables === 2) &&
    (head[21] ?? 0) >= 0xf0;
  if (!isFat) return undefined;
  const isFat32 = view.getUint16(22, true) === 0;
  const [stateAt, serialAt, labelAt] = isFat32 ? [65, 67, 71] : [37, 39, 43];
  const serial = view.getUint32(serialAt, true).toString(16).toUpperCase().padStart(8, '0');
  const named = {
    kind: 'vfat',
    uuid: `${serial.slice(0, 4)}-${serial.slice(4)}`,
    label: guestText(fieldText(head.subarray(labelAt, labelAt + 11)), 11),
  };
  if (((head[stateAt] ?? 0) & STATE_DIRTY) !== 0) return { ...named, state: 'dirty', found: MARKED };
  const table = await readUpTo(source, reserved * sectorBytes, 8, signal);
  if (table.length < 8) return { ...named, state: 'unknown', found: 'its table lies outside of the partition' };
  const second = isFat32
    ? viewOf(table).getUint32(4, true) & CLEAN_FAT32
    : viewOf(table).getUint16(2, true) & CLEAN_FAT16;
  // FAT12 has no room for the bit; the table's width is told by the number of clusters alone, and 12-bit ones are floppies.
  if (second === 0 && !isFat12(view, { sectorBytes, perCluster, reserved, tables })) {
    return { ...named, state: 'dirty', found: 'not cleanly unmounted' };
  }
  return { ...named, state: 'clean', found: 'the dirty bit is clear' };
}

interface Geometry {
  readonly sectorBytes: number;
  readonly perCluster: number;
  readonly reserved: number;
  readonly tables: number;
}

function isFat12(view: DataView, { sectorBytes, perCluster, reserved, tables }: Geometry): boolean {
  const perTable = view.getUint16(22, true);
  if (perTable === 0) return false;
  const total = view.getUint16(19, true) || view.getUint32(32, true);
  const rootSectors = Math.ceil((view.getUint16(17, true) * 32) / sectorBytes);
  return (total - reserved - tables * perTable - rootSectors) / perCluster < 4_085;
}
