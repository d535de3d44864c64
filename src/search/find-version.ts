import { isoNs } from '../disk/tree/iso-ns.ts';
import { bytesShownAs } from '../disk/tree/shown-bytes.ts';
import { type FileRecord, findFileIndex, isDamage, type Manifest, type Vault } from '../vault/index.ts';
import { chooseVolumes } from './choose-volumes.ts';
import { findInIndex } from './find-in-index.ts';
import { type OpenOthers, openPointTree } from './point-tree.ts';

/** What tells two versions of a file apart. */
export type FileVersion = Pick<FileRecord, 'bytes' | 'modifiedAt' | 'changedAt' | 'inode'>;

/** Any change of content, owner, mode or number of names moves the change time, and programs cannot set it back. */
export function isSameVersion(before: FileVersion, now: FileVersion): boolean {
  return before.inode === now.inode && before.changedAt === now.changedAt && before.bytes === now.bytes;
}

export interface FindVersionRequest {
  /** Opened with the meta root, which is enough for a point that has an index. */
  readonly vault: Vault;
  /** With the data root, too, to read the disks of one that has none. */
  readonly openData: () => Promise<Vault>;
  readonly manifest: Manifest;
  /** As it is shown. */
  readonly path: string;
  readonly openOthers: OpenOthers;
  readonly signal: AbortSignal;
}

/** A file of a point: from its index, else from the folders above it; undefined when it was not there. */
export async function findVersion(request: FindVersionRequest): Promise<FileVersion | undefined> {
  const { vault, manifest, path, signal } = request;
  const index = await findFileIndex({ vault, pointId: manifest.pointId, signal });
  if (!index) return findOnDisks(request);
  try {
    return await findInIndex({ vault, index, signal }, path);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return findOnDisks(request);
  }
}

async function findOnDisks(request: FindVersionRequest): Promise<FileVersion | undefined> {
  const { openData, manifest, path, openOthers, signal } = request;
  const vault = await openData();
  const files = await openPointTree({ vault, volumes: chooseVolumes(manifest), openOthers, signal });
  try {
    const found = await files.machine.find(bytesShownAs(path), signal);
    if (!found) return undefined;
    const { size, mtimeNs, ctimeNs, inode } = found.entry;
    return { bytes: size, modifiedAt: isoNs(mtimeNs), changedAt: isoNs(ctimeNs), inode: String(inode) };
  } finally {
    await files.close();
  }
}
