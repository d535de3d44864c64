import { z } from 'zod';
import { Count, Sha256Hex } from '../fields.ts';
import { mustBeWithin } from '../must-be.ts';
import type { FrameType } from '../sealed-object.ts';
import { packText, parseJson, unpackText } from './packed-text.ts';

/** PATH_MAX, every byte written as `\xNN`. */
export const MAX_PATH = 4 * 4096;
const Path = z.string().max(MAX_PATH);
/** ISO 8601 in UTC with nine digits: sorts as text, and tells what changed within a second. */
const TimeNs = z.string().regex(/^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
const Mode = z.int().min(0).max(0o7777);
const Id = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** One file of a recovery point, as its disks have it. Bytes of names that are no text are written as `\xNN`. */
export const FileRecord = z.strictObject({
  path: Path,
  kind: z.enum(['file', 'folder', 'link', 'character-device', 'block-device', 'fifo', 'socket']),
  bytes: Count,
  mode: Mode,
  uid: Id,
  gid: Id,
  modifiedAt: TimeNs,
  changedAt: TimeNs,
  /** Decimal. In the file system that `path` lies on. */
  inode: z.string().regex(/^\d{1,20}$/),
  links: Count,
  /** Of a link. */
  target: Path.optional(),
  /** Of the content, where the index was asked for digests and the file could be read. */
  sha256: Sha256Hex.optional(),
});
export type FileRecord = z.infer<typeof FileRecord>;

export const INDEX_PAGE_FRAME: FrameType = { magic: 'USFPAG1\n', maxBytes: 16 << 20 };
/** Bounds what a reader holds. A writer closes a page at a quarter of it, so one long record more always fits. */
export const MAX_PAGE_TEXT = 8 << 20;
export const MAX_PAGE_RECORDS = 4_096;

/** One JSON object and a newline for each record, in the order of the walk. */
export function pageText(records: readonly FileRecord[]): Uint8Array {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

export function encodeIndexPage(records: readonly FileRecord[]): Uint8Array {
  return packText(pageText(records));
}

/** Any bytes give records or a FormatError. */
export function decodeIndexPage(packed: Uint8Array): readonly FileRecord[] {
  const lines = unpackText(packed, MAX_PAGE_TEXT).split('\n');
  mustBeWithin('records', lines.length - 1, 1, MAX_PAGE_RECORDS);
  if (lines.pop() !== '') lines.push(''); // a last line without its newline is cut off: the empty one below is refused
  return lines.map((line) => parseJson('a record', line, FileRecord));
}
