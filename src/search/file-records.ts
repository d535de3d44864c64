import { createHash } from 'node:crypto';
import { damageOf } from '../disk/tree/damage.ts';
import { isoNs } from '../disk/tree/iso-ns.ts';
import type { Located, MachineTree } from '../disk/tree/machine-tree.ts';
import { pathOrder } from '../disk/tree/path-order.ts';
import { shownBytes } from '../disk/tree/shown-bytes.ts';
import { type FileRecord, MAX_PATH } from '../vault/index.ts';
import { isSameVersion } from './find-version.ts';

export interface FileRecordsRequest {
  readonly machine: MachineTree;
  /** Contents are read, too, but for files that are as they were in an earlier index. */
  readonly digests?: { readonly earlier: AsyncIterable<FileRecord> } | undefined;
  readonly signal: AbortSignal;
  /** Told of everything that keeps the list from being whole; a path that ends with a slash: of some names below it. */
  readonly onDamage: (path: string, reason: string) => void;
}

/** All files of a machine in the order of a walk. */
export async function* fileRecords(request: FileRecordsRequest): AsyncIterable<FileRecord> {
  const { machine, digests, signal, onDamage } = request;
  const root = await findRoot(request);
  if (!root) return;
  const earlier = digests && lookUpInOrder(digests.earlier);
  for await (const item of machine.walk(root, signal)) {
    const path = shownBytes(item.path);
    if (!item.entry) onDamage(path, item.damage);
    else if (path.length > MAX_PATH) onDamage(path.slice(0, 200), `its path is longer than ${MAX_PATH} characters`);
    else {
      const record = await recordOf(item, path, request);
      if (!earlier || record.kind !== 'file') yield record;
      else yield await withDigest(item, { record, before: await earlier(path) }, request);
    }
  }
}

/** Whoever looks for a file learns that nobody knows, and a search of all machines goes on with the others. */
async function findRoot({ machine, signal, onDamage }: FileRecordsRequest): Promise<Located | undefined> {
  if (machine.fileSystems.some(({ tree }) => tree)) return machine.find('/', signal);
  onDamage('/', 'no file system of this machine could be read');
  return undefined;
}

async function recordOf(
  { tree, entry }: Located,
  path: string,
  { signal, onDamage }: FileRecordsRequest,
): Promise<FileRecord> {
  const { kind, size, mode, uid, gid, mtimeNs, ctimeNs, inode, links } = entry;
  const facts = { modifiedAt: isoNs(mtimeNs), changedAt: isoNs(ctimeNs), inode: String(inode), links };
  const record = { path, kind, bytes: size, mode, uid, gid, ...facts };
  if (kind !== 'link') return record;
  try {
    return { ...record, target: shownBytes(await tree.readLink(entry, signal)) };
  } catch (error) {
    onDamage(path, damageOf(error));
    return record;
  }
}

async function withDigest(
  file: Located,
  { record, before }: { readonly record: FileRecord; readonly before: FileRecord | undefined },
  { machine, signal, onDamage }: FileRecordsRequest,
): Promise<FileRecord> {
  if (before?.sha256 !== undefined && isSameVersion(before, record)) return { ...record, sha256: before.sha256 };
  // Zeros without end: the rest of a file that is longer than its disk is holes, and a hostile one has 256 TiB of them.
  const disk = machine.fileSystems.find(({ tree }) => tree === file.tree);
  if (disk && record.bytes > disk.fact.bytes) return record;
  try {
    return { ...record, sha256: await digestOf(file, signal) };
  } catch (error) {
    onDamage(record.path, damageOf(error));
    return record;
  }
}

/** Eight blocks of a vault: read ahead, and little to hold. */
const CHUNK_BYTES = 4 << 20;

async function digestOf({ tree, entry }: Located, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < entry.size; at += CHUNK_BYTES) {
    hash.update(await tree.read(entry, at, Math.min(CHUNK_BYTES, entry.size - at), signal));
  }
  return hash.digest('hex');
}

/** Both sides come in the same order, so one pass over the earlier records is enough, whatever their number. */
function lookUpInOrder(earlier: AsyncIterable<FileRecord>): (path: string) => Promise<FileRecord | undefined> {
  const records = earlier[Symbol.asyncIterator]();
  let ahead: FileRecord | undefined;
  let isOver = false;
  return async (path) => {
    while (!isOver && (ahead === undefined || pathOrder(ahead.path, path) < 0)) {
      const next = await records.next();
      isOver = next.done === true;
      ahead = next.done ? undefined : next.value;
    }
    return ahead?.path === path ? ahead : undefined;
  };
}
