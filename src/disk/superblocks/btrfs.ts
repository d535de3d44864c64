import { crc32c } from '../crc32c.ts';
import { fieldText, hasText, u64, uuidText, viewOf } from '../fields.ts';
import { guestText } from '../guest-text.ts';
import type { Finding } from './finding.ts';

const SUPERBLOCK = 65_536;

/**
 * From 64 KiB on:  0 32 checksum   32 16 uuid   64 8 magic   96 8 log tree   196 2 checksum type   299 256 label
 * Always consistent by design; a log tree holds fsyncs that a mount would still replay.
 */
export function recognizeBtrfs(head: Uint8Array): Finding | undefined {
  if (head.length < SUPERBLOCK + 4_096 || !hasText(head, SUPERBLOCK + 64, '_BHRfS_M')) return undefined;
  const bytes = head.subarray(SUPERBLOCK, SUPERBLOCK + 4_096);
  const view = viewOf(bytes);
  const named = {
    kind: 'btrfs',
    uuid: uuidText(bytes.subarray(32, 48)),
    label: guestText(fieldText(bytes.subarray(299, 555)), 64),
  };
  if (view.getUint16(196, true) === 0 && view.getUint32(0, true) !== crc32c(bytes.subarray(32))) {
    return { ...named, state: 'unknown', found: 'the superblock fails its checksum' };
  }
  if (u64(view, 96) !== 0) return { ...named, state: 'dirty', found: 'the log tree is not empty' };
  return { ...named, state: 'clean', found: 'the log tree is empty' };
}
