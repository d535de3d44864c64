import {
  type FileIndex,
  type FileRecord,
  findFileIndex,
  isDamage,
  type Manifest,
  readIndexedFiles,
  type Vault,
} from '../vault/index.ts';
import { chooseVolumes } from './choose-volumes.ts';
import { fileRecords } from './file-records.ts';
import { type OpenOthers, openPointTree } from './point-tree.ts';
import type { CachedFile, SearchCache } from './search-cache.ts';
import { tellUnread } from './tell-unread.ts';

export interface LoadPointRequest {
  readonly cache: SearchCache;
  /** Opened with the meta root, which is enough for a point that has an index. */
  readonly vault: Vault;
  /** With the data root, too, to read the disks of one that has none. */
  readonly openData: () => Promise<Vault>;
  readonly manifest: Manifest;
  readonly openOthers: OpenOthers;
  readonly signal: AbortSignal;
  /** Where names come from, and why it is not the index. */
  readonly tell: (line: string) => void;
}

/** Puts a point's files into the cache: from its index in the vault, else from its disks. Resolves with what must be said. */
export async function loadPoint(request: LoadPointRequest): Promise<readonly string[]> {
  const { vault, manifest, signal, tell } = request;
  const { pointId } = manifest;
  const index = await findFileIndex({ vault, pointId, signal, onInvalid: (key, reason) => tell(unused(key, reason)) });
  if (index) {
    try {
      tell(`${pointId}  reading its index, ${index.files} files`);
      return await loadIndex(request, index);
    } catch (error) {
      if (!isDamage(error)) throw error;
      tell(`${unused(index.indexId, error.message)}; a whole one: understudy index ${pointId} --anew`);
    }
  }
  tell(`${pointId}  reading its disks`);
  return loadDisks(request);
}

function unused(what: string, reason: string): string {
  return `index ${what} is not used: ${reason}`;
}

async function loadIndex({ cache, vault, signal }: LoadPointRequest, index: FileIndex): Promise<readonly string[]> {
  await cache.store(index.pointId, rowsOf(vault, index, signal), () => index.notes);
  return index.notes;
}

async function* rowsOf(vault: Vault, index: FileIndex, signal: AbortSignal): AsyncIterable<CachedFile> {
  for (const { recipe, kind, name, rows } of index.objects) {
    const nothing = { bytes: 0, mode: 0, uid: 0, gid: 0, target: '' };
    yield { path: `${recipe}:${name}`, kind, ...nothing, modifiedAt: index.builtAt, rows };
  }
  for await (const record of readIndexedFiles({ vault, index, signal })) yield cached(record);
}

async function loadDisks({
  cache,
  openData,
  manifest,
  openOthers,
  signal,
}: LoadPointRequest): Promise<readonly string[]> {
  const vault = await openData();
  const files = await openPointTree({ vault, volumes: chooseVolumes(manifest), openOthers, signal });
  const notes: string[] = [];
  const onDamage = (path: string, reason: string) => void notes.push(`damaged  ${path}: ${reason}`);
  try {
    tellUnread(files.machine, (line) => void notes.push(line));
    const records = fileRecords({ machine: files.machine, signal, onDamage });
    await cache.store(manifest.pointId, each(records), () => notes);
  } finally {
    await files.close();
  }
  return notes;
}

async function* each(records: AsyncIterable<FileRecord>): AsyncIterable<CachedFile> {
  for await (const record of records) yield cached(record);
}

function cached({ path, kind, bytes, mode, uid, gid, modifiedAt, target = '' }: FileRecord): CachedFile {
  return { path, kind, bytes, mode, uid, gid, modifiedAt, target, rows: null };
}
