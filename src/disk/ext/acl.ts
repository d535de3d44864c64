import { viewOf } from '../fields.ts';
import { damaged } from './layout.ts';

/** Entries that name a user or group; the others have no id on disk. */
const NAMED_TAGS = [0x02, 0x08];
const NO_ID = 0xffffffff;

/**
 * ext keeps access lists shorter than programs see them (Linux: fs/ext4/acl.c): version 1 and entries of 4 or 8 bytes;
 * getfattr and tar know version 2 with entries of 8 bytes, which is returned.
 */
export function aclForPrograms(stored: Uint8Array): Uint8Array {
  const view = viewOf(stored);
  if (stored.length < 4 || view.getUint32(0, true) !== 1) throw damaged('an access list is damaged');
  const entries: { tag: number; permissions: number; id: number }[] = [];
  for (let at = 4; at < stored.length; ) {
    if (at + 4 > stored.length) throw damaged('an access list is cut off');
    const tag = view.getUint16(at, true);
    const hasId = NAMED_TAGS.includes(tag);
    if (hasId && at + 8 > stored.length) throw damaged('an access list is cut off');
    entries.push({ tag, permissions: view.getUint16(at + 2, true), id: hasId ? view.getUint32(at + 4, true) : NO_ID });
    at += hasId ? 8 : 4;
  }
  const list = new Uint8Array(4 + 8 * entries.length);
  const out = viewOf(list);
  out.setUint32(0, 2, true);
  for (const [n, { tag, permissions, id }] of entries.entries()) {
    out.setUint16(4 + n * 8, tag, true);
    out.setUint16(6 + n * 8, permissions, true);
    out.setUint32(8 + n * 8, id, true);
  }
  return list;
}
