import { damageOf } from '../tree/damage.ts';
import type { ByteString, FileExtent } from '../tree/file-tree.ts';
import type { Located, MachineTree } from '../tree/machine-tree.ts';
import type { Extracted } from './extract.ts';
import { encodeTarHeaders, padded, paddingOf, RECORD } from './tar-header.ts';
import { CHUNK_BYTES } from './write-file.ts';

export interface TarRequest {
  readonly machine: MachineTree;
  readonly from: Located;
  /** Resolves when more may come. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: { readonly files: number; readonly bytes: number }) => void;
}

/**
 * A tree as one tar, readable by GNU tar and bsdtar: exact times, owners by number, extended attributes and access lists,
 * hard links, devices, holes. A file that turns out unreadable while it is written is filled with zeros, since its size
 * stands in the stream already, and is named.
 */
export async function writeTar(request: TarRequest): Promise<Extracted> {
  const { machine, from, signal, write, onProgress } = request;
  const done = { files: 0, kept: 0, folders: 0, links: 0, bytes: 0, problems: [] as Extracted['problems'][number][] };
  const firstNames = new Map<object, Map<bigint, ByteString>>();
  for await (const item of machine.walk(from, signal)) {
    if (!item.entry) done.problems.push({ path: item.path, problem: item.damage, isDamage: true });
    else {
      const names = firstNames.get(item.tree) ?? new Map<bigint, ByteString>();
      firstNames.set(item.tree, names);
      await writeMember({ request, done, names }, item);
    }
    onProgress?.(done);
  }
  await write(new Uint8Array(2 * RECORD));
  return done;
}

interface Work {
  readonly request: TarRequest;
  readonly done: {
    files: number;
    folders: number;
    links: number;
    bytes: number;
    problems: Extracted['problems'][number][];
  };
  readonly names: Map<bigint, ByteString>;
}

async function writeMember({ request, done, names }: Work, file: Located): Promise<void> {
  const { entry, tree, path } = file;
  const { signal, write } = request;
  const name = memberName(request.from.path, path, entry.kind === 'folder');
  const tell = (error: unknown) => void done.problems.push({ path, problem: damageOf(error), isDamage: true });
  try {
    const first = entry.kind === 'file' && entry.links > 1 ? names.get(entry.inode) : undefined;
    const records = await attributeRecords(file, signal);
    if (first !== undefined) {
      const headers = encodeTarHeaders({ name, entry, linkName: first, isHardLink: true, contentBytes: 0, records });
      if (headers) await write(headers);
      done.links++;
      return;
    }
    if (entry.kind === 'file') {
      const extents: FileExtent[] = [];
      for await (const extent of tree.extents(entry, signal)) extents.push(extent);
      await writeContent({ file, name, extents, records, request, tell });
      if (entry.links > 1) names.set(entry.inode, name);
      done.files++;
      done.bytes += extents.reduce((sum, { bytes }) => sum + bytes, 0);
      return;
    }
    const linkName = entry.kind === 'link' ? await tree.readLink(entry, signal) : '';
    const headers = encodeTarHeaders({ name, entry, linkName, contentBytes: 0, records });
    if (headers) await write(headers);
    else done.problems.push({ path, problem: 'a socket, which no tar can hold', isDamage: false });
    if (entry.kind === 'folder') done.folders++;
    if (entry.kind === 'link') done.links++;
  } catch (error) {
    tell(error);
  }
}

interface Content {
  readonly file: Located;
  readonly name: ByteString;
  readonly extents: readonly FileExtent[];
  readonly records: ReadonlyMap<string, Uint8Array>;
  readonly request: TarRequest;
  readonly tell: (error: unknown) => void;
}

/** Holes as GNU tar's format 1.0 for pax: the content begins with a map of what follows. */
async function writeContent({ file, name, extents, records, request, tell }: Content): Promise<void> {
  const { entry } = file;
  const stored = extents.reduce((sum, { bytes }) => sum + bytes, 0);
  const isSparse = stored < entry.size;
  const map = isSparse ? sparseMap(extents, entry.size) : Buffer.alloc(0);
  const sparse: ReadonlyMap<string, Uint8Array> = isSparse
    ? new Map([
        ['GNU.sparse.major', Buffer.from('1')],
        ['GNU.sparse.minor', Buffer.from('0')],
        ['GNU.sparse.name', Buffer.from(name, 'latin1')],
        ['GNU.sparse.realsize', Buffer.from(String(entry.size))],
        ...records,
      ])
    : records;
  const contentBytes = map.length + stored;
  const headers = encodeTarHeaders({ name, entry, contentBytes, records: sparse });
  if (!headers) return;
  await request.write(headers);
  await request.write(map);
  for (const extent of extents) await writeExtent(file, extent, { request, tell });
  await request.write(new Uint8Array(paddingOf(contentBytes)));
}

async function writeExtent(
  { tree, entry }: Located,
  { offset, bytes }: FileExtent,
  { request: { write, signal }, tell }: Pick<Content, 'request' | 'tell'>,
): Promise<void> {
  for (let at = offset; at < offset + bytes; at += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, offset + bytes - at);
    let chunk = new Uint8Array(length);
    try {
      chunk = new Uint8Array(await tree.read(entry, at, length, signal));
    } catch (error) {
      tell(error);
    }
    await write(chunk);
  }
}

/** Number of pieces, then offset and size of each, a line each; a piece of nothing at the end says where the file ends. */
function sparseMap(extents: readonly FileExtent[], size: number): Buffer {
  const last = extents.at(-1);
  const pieces = last && last.offset + last.bytes === size ? extents : [...extents, { offset: size, bytes: 0 }];
  const lines = [pieces.length, ...pieces.flatMap(({ offset, bytes }) => [offset, bytes])];
  return padded(Buffer.from(lines.map((line) => `${line}\n`).join('')));
}

async function attributeRecords(
  { tree, entry }: Located,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const records = new Map<string, Uint8Array>();
  for (const [name, value] of await tree.xattrs(entry, signal)) {
    if (!name.includes('=')) records.set(`SCHILY.xattr.${name}`, value); // '=' ends the key of a record
  }
  return records;
}

/** Below the folder above what was asked for, never absolute, so that no program unpacks it over itself. */
function memberName(from: ByteString, path: ByteString, isFolder: boolean): ByteString {
  const above = from.slice(0, from.lastIndexOf('/') + 1);
  const name = path.slice(above.length) || '.';
  return isFolder ? `${name}/` : name;
}
