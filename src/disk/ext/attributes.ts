import { viewOf } from '../fields.ts';
import type { ByteString } from '../tree/file-tree.ts';
import { aclForPrograms } from './acl.ts';
import { damaged, type ExtLayout, type Inode, readInode } from './layout.ts';
import { readRange } from './read.ts';

/** Linux: fs/ext4/xattr.h. Of a block, and of what follows the fields of an inode. */
const MAGIC = 0xea020000;
const BLOCK_HEADER_BYTES = 32;
const ENTRY_BYTES = 16;
/** Values in an inode of their own (ea_inode) may have 64 KiB in Linux. */
const MAX_VALUE_BYTES = 65_536;
const PREFIXES: Readonly<Record<number, string>> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
  8: 'system.richacl',
};

interface Attribute {
  readonly name: ByteString;
  readonly valueOffset: number;
  readonly valueInode: number;
  readonly valueBytes: number;
}

/** Attributes kept behind the fields of the inode, then those of its attribute block. */
export async function readAttributes(
  layout: ExtLayout,
  inode: Inode,
  signal: AbortSignal,
): Promise<ReadonlyMap<ByteString, Uint8Array>> {
  const found = new Map<ByteString, Uint8Array>();
  const inside = insideOf(inode);
  if (inside) await collect(layout, { area: inside, entriesAt: 0 }, found, signal);
  if (inode.attributeBlock !== 0) {
    const block = await layout.source.readAt(inode.attributeBlock * layout.blockBytes, layout.blockBytes, signal);
    if (viewOf(block).getUint32(0, true) !== MAGIC)
      throw damaged(`inode ${inode.number} has a damaged attribute block`);
    await collect(layout, { area: block, entriesAt: BLOCK_HEADER_BYTES }, found, signal);
  }
  return found;
}

/** The value of one attribute that stands inside of the inode itself, such as the end of inline data. */
export function findInsideAttribute(inode: Inode, wanted: ByteString): Uint8Array | undefined {
  const area = insideOf(inode);
  if (!area) return undefined;
  const entry = entriesOf(area, 0).find(({ name, valueInode }) => name === wanted && valueInode === 0);
  return entry && sliceOfArea(area, entry);
}

/** After 128 bytes and `extraBytes`: the magic, then entries; values are counted from behind the magic. */
function insideOf({ raw }: Inode): Uint8Array | undefined {
  if (raw.length <= 132) return undefined;
  const start = 128 + viewOf(raw).getUint16(128, true);
  if (start + 8 > raw.length || viewOf(raw).getUint32(start, true) !== MAGIC) return undefined;
  return raw.subarray(start + 4);
}

async function collect(
  layout: ExtLayout,
  { area, entriesAt }: { readonly area: Uint8Array; readonly entriesAt: number },
  found: Map<ByteString, Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of entriesOf(area, entriesAt)) {
    if (entry.name === 'system.data') continue; // the file's own bytes (inline_data)
    const value = await readValue(layout, { area, entry }, signal);
    found.set(entry.name, entry.name.startsWith('system.posix_acl_') ? aclForPrograms(value) : value);
  }
}

async function readValue(
  layout: ExtLayout,
  { area, entry }: { readonly area: Uint8Array; readonly entry: Attribute },
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (entry.valueInode === 0) return sliceOfArea(area, entry);
  const inode = await readInode(layout, entry.valueInode, signal);
  if (inode.size !== entry.valueBytes) throw damaged(`attribute inode ${inode.number} has another size than promised`);
  return readRange(layout, inode, 0, entry.valueBytes, signal);
}

function sliceOfArea(area: Uint8Array, { valueOffset, valueBytes }: Attribute): Uint8Array {
  if (valueOffset + valueBytes > area.length) throw damaged('an attribute lies outside of its block');
  return area.slice(valueOffset, valueOffset + valueBytes);
}

/** 0 1 name length, 1 1 prefix, 2 2 value offset, 4 4 value inode, 8 4 value size, 12 4 hash, 16 … name, to 4 bytes. */
function entriesOf(area: Uint8Array, from: number): Attribute[] {
  const view = viewOf(area);
  const entries: Attribute[] = [];
  for (let at = from; at + 4 <= area.length && view.getUint32(at, true) !== 0; ) {
    if (at + ENTRY_BYTES > area.length) throw damaged('an attribute is cut off');
    const nameBytes = view.getUint8(at);
    const valueBytes = view.getUint32(at + 8, true);
    const nameAt = at + ENTRY_BYTES;
    if (nameAt + nameBytes > area.length || valueBytes > MAX_VALUE_BYTES) throw damaged('an attribute is damaged');
    const prefix = PREFIXES[view.getUint8(at + 1)] ?? '';
    entries.push({
      name: prefix + Buffer.from(area.subarray(nameAt, nameAt + nameBytes)).toString('latin1'),
      valueOffset: view.getUint16(at + 2, true),
      valueInode: view.getUint32(at + 4, true),
      valueBytes,
    });
    at = nameAt + ((nameBytes + 3) & ~3);
  }
  return entries;
}
