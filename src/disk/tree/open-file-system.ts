import { PlatformError } from '../../errors.ts';
import type { ByteSource } from '../byte-source.ts';
import { openExtTree } from '../ext/ext-tree.ts';
import type { FileSystemFact } from '../file-system-fact.ts';
import { damageOf } from './damage.ts';
import type { FileTree } from './file-tree.ts';

export type OpenedFileSystem =
  | { readonly tree: FileTree; readonly unreadable?: undefined }
  /** Why not; undefined where there are no files to read (swap, boot code, all zero). */
  | { readonly tree?: undefined; readonly unreadable: string | undefined };

/** Reads what this folder does not, such as a kernel in a machine of its own. */
export interface OtherReader {
  open(kind: string, source: ByteSource, signal: AbortSignal): Promise<FileTree>;
  /** Ends what was started for it, and with it every tree that it opened. */
  close(): Promise<void>;
}

// Not vfat: that would start a machine for the boot partition of every UEFI machine, where few look for files.
const READ_BY_OTHERS = /^(xfs|btrfs)$/;

/** A file system by the reader that knows it. What none knows is said, never passed over. */
export async function openFileSystem(
  { kind, state, found }: FileSystemFact,
  source: ByteSource,
  { others, signal }: { readonly others: OtherReader | undefined; readonly signal: AbortSignal },
): Promise<OpenedFileSystem> {
  if (state === 'none') return { unreadable: undefined };
  try {
    if (/^ext[234]$/.test(kind)) return { tree: await openExtTree(source, signal) };
    if (others && READ_BY_OTHERS.test(kind)) return { tree: await others.open(kind, source, signal) };
  } catch (error) {
    signal.throwIfAborted();
    return { unreadable: error instanceof PlatformError ? error.message : damageOf(error) };
  }
  return { unreadable: `${kind}: its files are not read by this version (${found})` };
}
