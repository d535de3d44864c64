import { z } from 'zod';
import { Count, RunId, Sha256Hex, Time } from '../fields.ts';
import type { FrameType } from '../sealed-object.ts';
import { packText, parseJson, unpackText } from './packed-text.ts';

/** What an application holds, by the records of its own agent. */
export const ApplicationObject = z.strictObject({
  recipe: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  kind: z.enum(['database', 'table']),
  /** As the application calls it; guest text. */
  name: z.string().max(1_024),
  rows: Count.nullable(),
});
export type ApplicationObject = z.infer<typeof ApplicationObject>;

/** One page of records; `runId` is the point that wrote it, this one or one it was built from. */
const IndexPageRef = z.strictObject({
  runId: RunId,
  pageId: Sha256Hex,
  records: Count,
  /** Path of its first record. */
  first: z.string().max(16_384),
});
export type IndexPageRef = z.infer<typeof IndexPageRef>;

/** A disk with more damage than that is known by its first 10,000 places. */
export const MAX_NOTES = 10_000;

/** `index/files/<pointId>/<indexId>.idx`: all files of a point, in pages, and what keeps the list from being whole. */
export const FileIndex = z.strictObject({
  pointId: RunId,
  indexId: RunId,
  builtAt: Time,
  toolVersion: z.string().max(100),
  /** Whether contents were read, too. */
  digests: z.boolean(),
  files: Count,
  /** Damage, file systems that cannot be read or lie nowhere: said with every answer from this index. */
  notes: z.array(z.string().max(2_000)).max(MAX_NOTES),
  /** Where files may be that are not listed; a folder of which only some names are lost ends with a slash. */
  unreadable: z.array(z.strictObject({ path: z.string().max(16_384), reason: z.string().max(2_000) })).max(MAX_NOTES),
  objects: z.array(ApplicationObject).max(100_000),
  pages: z.array(IndexPageRef),
});
export type FileIndex = z.infer<typeof FileIndex>;

export const FILE_INDEX_FRAME: FrameType = { magic: 'USFIDX1\n', maxBytes: 64 << 20 };
/** 200 bytes for each of the 100,000 pages of 100 million files, and as much for notes and objects. */
const MAX_TEXT = 64 << 20;

export function encodeFileIndex(index: FileIndex): Uint8Array {
  return packText(Buffer.from(JSON.stringify(FileIndex.parse(index))));
}

/** Any bytes give an index or a FormatError. */
export function decodeFileIndex(packed: Uint8Array): FileIndex {
  return parseJson('the index', unpackText(packed, MAX_TEXT), FileIndex);
}
