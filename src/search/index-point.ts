import { shownBytes } from '../disk/tree/shown-bytes.ts';
import {
  type FileIndex,
  findParentIndex,
  MAX_NOTES,
  type Manifest,
  readIndexedFiles,
  type Vault,
  type WrittenFileIndex,
  writeFileIndex,
} from '../vault/index.ts';
import { type FindObjects, readObjects } from './application-objects.ts';
import { chooseVolumes } from './choose-volumes.ts';
import { fileRecords } from './file-records.ts';
import { type OpenOthers, openPointTree, type PointTree, type ReadCost } from './point-tree.ts';
import { tellUnread } from './tell-unread.ts';

export interface IndexPointRequest {
  /** Opened with data and meta. */
  readonly vault: Vault;
  readonly manifest: Manifest;
  /** Contents of files are read, too, for their SHA-256. */
  readonly digests: boolean;
  /** Nothing of an earlier point's index is used: for one whose pages turned out to be damaged. */
  readonly anew: boolean;
  readonly findObjects: FindObjects;
  readonly openOthers: OpenOthers;
  readonly toolVersion: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: { readonly files: number }) => void;
}

export interface IndexedPoint extends WrittenFileIndex, ReadCost {}

/** Lists the files of a recovery point and what its applications hold, and keeps that in the vault for searches. */
export async function indexPoint(request: IndexPointRequest): Promise<IndexedPoint> {
  const { vault, manifest, digests, anew, findObjects, openOthers, toolVersion, signal, onProgress } = request;
  const parent = anew ? undefined : await findParentIndex(vault, manifest, signal);
  const files = await openPointTree({ vault, volumes: chooseVolumes(manifest), openOthers, signal });
  try {
    const unread = collectUnread(files);
    const objects = await readObjects({ files, manifest, findObjects, signal, tell: unread.note });
    const earlier = parent ? readIndexedFiles({ vault, index: parent, signal }) : none();
    const records = fileRecords({
      machine: files.machine,
      ...(digests && { digests: { earlier } }),
      signal,
      onDamage: unread.damage,
    });
    const { pointId } = manifest;
    const order = { vault, pointId, records, found: unread.found, objects, digests, parent, toolVersion, signal };
    return { ...(await writeFileIndex({ ...order, ...(onProgress && { onProgress }) })), ...files.cost() };
  } finally {
    await files.close();
  }
}

/** Kept with the index, and no more of it than an index may hold. */
function collectUnread({ machine }: PointTree) {
  const notes: string[] = [];
  const unreadable: FileIndex['unreadable'] = [];
  let more = 0;
  const note = (line: string) => {
    if (notes.length < MAX_NOTES - 1) notes.push(line.slice(0, 2_000));
    else more++;
  };
  const damage = (path: string, reason: string) => {
    note(`damaged  ${path}: ${reason}`);
    if (unreadable.length < MAX_NOTES) unreadable.push({ path: path.slice(0, 16_384), reason: reason.slice(0, 2_000) });
  };
  tellUnread(machine, note);
  for (const { mountedAt, unreadable: reason, fstabDamage } of machine.fileSystems) {
    if (mountedAt !== undefined && reason) unreadable.push({ path: shownBytes(mountedAt), reason });
    if (fstabDamage !== undefined) unreadable.push({ path: '/', reason: `/etc/fstab: ${fstabDamage}` });
  }
  const found = () => ({ notes: more === 0 ? notes : [...notes, `and ${more} more`], unreadable });
  return { note, damage, found };
}

async function* none(): AsyncIterable<never> {}
