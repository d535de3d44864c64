import type { ByteSource } from '../byte-source.ts';
import { openExtTree } from '../ext/ext-tree.ts';
import type { FileSystemFact } from '../file-system-fact.ts';
import { damageOf } from './damage.ts';
import type { FileTree } from './file-tree.ts';

export type OpenedFileSystem =
  | { readonly tree: FileTree; readonly unreadable?: undefined }
  /** Why not; undefined where there are no files to read (swap, boot code, all zero). */
  | { readonly tree?: undefined; readonly unreadable: string | undefined };

/** A file system by the reader that knows it. What none knows is said, never passed over. */
export async function openFileSystem(
  { kind, state, found }: FileSystemFact,
  source: ByteSource,
  signal: AbortSignal,
): Promise<OpenedFileSystem> {
  if (state === 'none') return { unreadable: undefined };
  if (!/^ext[234]$/.test(kind)) return { unreadable: `${kind}: its files are not read by this version (${found})` };
  try {
    return { tree: await openExtTree(source, signal) };
  } catch (error) {
    return { unreadable: damageOf(error) };
  }
}
