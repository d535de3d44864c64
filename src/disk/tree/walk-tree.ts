import { damageOf } from './damage.ts';
import type { ByteString, Entry, FileTree } from './file-tree.ts';

/** Depth at which a tree is taken for damaged: folders that hold themselves would go on for ever. */
const MAX_DEPTH = 512;

export type WalkedItem =
  | { readonly path: ByteString; readonly entry: Entry; readonly damage?: undefined }
  | { readonly path: ByteString; readonly entry?: undefined; readonly damage: string };

/**
 * Everything at and below a folder, a folder before what it holds, names in byte order: the same disk always gives the
 * same sequence. Damage is told where it is, and the rest follows. Memory grows with depth, not with the number of files.
 */
export async function* walkTree(
  tree: FileTree,
  { from, path }: { readonly from: Entry; readonly path: ByteString },
  signal: AbortSignal,
): AsyncIterable<WalkedItem> {
  yield { path, entry: from };
  if (from.kind === 'folder') yield* below(tree, { folder: from, path, above: [] }, signal);
}

interface Place {
  readonly folder: Entry;
  readonly path: ByteString;
  /** Inodes of the folders above. */
  readonly above: readonly bigint[];
}

async function* below(tree: FileTree, { folder, path, above }: Place, signal: AbortSignal): AsyncIterable<WalkedItem> {
  const inside = [...above, folder.inode];
  try {
    for await (const item of tree.list(folder, signal)) {
      signal.throwIfAborted();
      const itsPath = joinPath(path, item.name);
      if (!item.entry) {
        yield { path: itsPath, damage: item.damage };
        continue;
      }
      yield { path: itsPath, entry: item.entry };
      if (item.entry.kind !== 'folder') continue;
      if (inside.includes(item.entry.inode)) yield { path: itsPath, damage: 'the folder holds itself' };
      else if (inside.length >= MAX_DEPTH) yield { path: itsPath, damage: `more than ${MAX_DEPTH} folders deep` };
      else yield* below(tree, { folder: item.entry, path: itsPath, above: inside }, signal);
    }
  } catch (error) {
    yield { path, damage: damageOf(error) };
  }
}

export function joinPath(folder: ByteString, name: ByteString): ByteString {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}
