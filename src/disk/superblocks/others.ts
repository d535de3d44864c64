import { hasText, viewOf } from '../fields.ts';
import type { Finding } from './finding.ts';

/** Swap areas end their first page with a magic; pages have 4, 16 or 64 KiB. */
const PAGE_SIZES = [4_096, 16_384, 65_536];

export function recognizeSwap(head: Uint8Array): Finding | undefined {
  for (const page of PAGE_SIZES) {
    if (hasText(head, page - 10, 'SWAPSPACE2')) return { kind: 'swap', state: 'none', found: 'a swap area' };
    if (hasText(head, page - 10, 'S1SUSPEND') || hasText(head, page - 10, 'LINHIB0001')) {
      return { kind: 'swap', state: 'dirty', found: 'it holds a hibernated machine' };
    }
  }
  return undefined;
}

/** What is known but cannot be judged: it may hide file systems of any state. */
export function recognizeOpaque(head: Uint8Array): Finding | undefined {
  const unknown = (kind: string, found: string): Finding => ({ kind, state: 'unknown', found });
  if (hasText(head, 3, 'NTFS    ')) return unknown('ntfs', 'its dirty bit is not read by this version');
  if (hasText(head, 3, 'EXFAT   ')) return unknown('exfat', 'its state is not read by this version');
  if (hasText(head, 0, 'LUKS\u00ba\u00be')) return unknown('luks', 'encrypted inside of the machine');
  // The label lies in one of the first four sectors (LVM2 label_scan).
  if ([0, 512, 1_024, 1_536].some((at) => hasText(head, at, 'LABELONE'))) {
    return unknown('lvm', 'file systems inside of LVM are not read by this version');
  }
  if ([0, 4_096].some((at) => head.length >= at + 4 && viewOf(head).getUint32(at, true) === 0xa92b4efc)) {
    return unknown('md', 'members of a software RAID are not read by this version');
  }
  return undefined;
}
