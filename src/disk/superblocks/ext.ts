import { crc32c } from '../crc32c.ts';
import { fieldText, uuidText, viewOf } from '../fields.ts';
import { guestText } from '../guest-text.ts';
import type { Finding } from './finding.ts';

/** Linux: fs/ext4/ext4.h. The superblock takes 1,024 bytes from byte 1,024 of the partition. */
export const EXT_SUPERBLOCK = 1_024;
export const EXT_MAGIC = 0xef53;

const COMPAT_HAS_JOURNAL = 0x4;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_JOURNAL_DEV = 0x8;
/** Extents, 64bit, flex_bg: features ext3 does not know. */
const INCOMPAT_EXT4 = 0x40 | 0x80 | 0x200;
const RO_COMPAT_METADATA_CSUM = 0x400;
/** Set while unlinked files are still open (orphan_file). */
const RO_COMPAT_ORPHAN_PRESENT = 0x10000;
const STATE_VALID = 1;
const STATE_ERRORS = 2;

/**
 *   56  2  magic       58  2  state          92  4  compat   96  4  incompat   100  4  ro_compat
 *   104 16 uuid        120 16 label          1020 4 CRC-32C of the 1,020 bytes before, without final inversion
 *
 * With a journal the state says "valid" even while mounted; the RECOVER feature tells whether the journal is empty.
 */
export function recognizeExt(head: Uint8Array): Finding | undefined {
  if (head.length < EXT_SUPERBLOCK + 1_024) return undefined;
  const bytes = head.subarray(EXT_SUPERBLOCK, EXT_SUPERBLOCK + 1_024);
  const view = viewOf(bytes);
  if (view.getUint16(56, true) !== EXT_MAGIC) return undefined;
  const [compat, incompat, roCompat] = [view.getUint32(92, true), view.getUint32(96, true), view.getUint32(100, true)];
  const kind = (incompat & INCOMPAT_EXT4) !== 0 ? 'ext4' : (compat & COMPAT_HAS_JOURNAL) !== 0 ? 'ext3' : 'ext2';
  const named = { uuid: uuidText(bytes.subarray(104, 120)), label: guestText(fieldText(bytes.subarray(120, 136)), 16) };
  if ((incompat & INCOMPAT_JOURNAL_DEV) !== 0)
    return { kind: 'ext-journal', state: 'unknown', found: 'a journal for another device', ...named };
  if (
    (roCompat & RO_COMPAT_METADATA_CSUM) !== 0 &&
    view.getUint32(1_020, true) !== (crc32c(bytes.subarray(0, 1_020)) ^ -1) >>> 0
  ) {
    return { kind, state: 'unknown', found: 'the superblock fails its checksum', ...named };
  }
  return { kind, ...stateOf(view.getUint16(58, true), incompat, roCompat), ...named };
}

function stateOf(state: number, incompat: number, roCompat: number): Pick<Finding, 'state' | 'found'> {
  if ((incompat & INCOMPAT_RECOVER) !== 0) return { state: 'dirty', found: 'the journal needs recovery' };
  if ((state & STATE_ERRORS) !== 0) return { state: 'dirty', found: 'errors were recorded' };
  if ((state & STATE_VALID) === 0) return { state: 'dirty', found: 'not cleanly unmounted' };
  if ((roCompat & RO_COMPAT_ORPHAN_PRESENT) !== 0) return { state: 'dirty', found: 'unlinked files were still open' };
  return { state: 'clean', found: 'cleanly unmounted, the journal is empty' };
}
