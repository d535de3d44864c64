import { damageOf } from './damage.ts';
import type { ByteString, Entry, FileTree } from './file-tree.ts';

/** Depth at which a tree is taken for damaged: folders that hold themselves would go on for ever. */
const MAX_DEPTH = 512;

export type WalkedItem =
  | { readonly path: ByteString; readonly tree: FileTree; readonly entry: Entry; readonly damage?: undefined }
  | { readonly path: ByteString; readonly entry?: undefined; readonly damage: string };

export interface WalkStart {
  readonly from: Entry;
  readonly path: ByteString;
  /** What is mounted over a folder, if anything. */
  readonly mountedAt?: (path: ByteString) => FileTree | undefined;
}

/**
 * Everything at and below a folder, a folder before what it holds, names in byte order: the same disk always gives the
 * same sequence. Damage is told where it is, and the rest follows. Memory grows with the number of folders (some 50 bytes
 * each), not of files.
 */
export async function* walkTree(tree: FileTree, start: WalkStart, signal: AbortSignal): AsyncIterable<WalkedItem> {
  const { from, path, mountedAt = () => undefined } = start;
  yield { path, tree, entry: from };
  if (from.kind === 'folder') yield* below({ tree, folder: from, path, depth: 0, seen: new Set(), mountedAt }, signal);
}

interface Place {
  readonly tree: FileTree;
  readonly folder: Entry;
  readonly path: ByteString;
  readonly depth: number;
  /** Inodes of folders of this tree: each stands in one place, or a hostile disk would never be told to its end. */
  readonly seen: Set<bigint>;
  readonly mountedAt: (path: ByteString) => FileTree | undefined;
}

async function* below(place: Place, signal: AbortSignal): AsyncIterable<WalkedItem> {
  const { tree, folder, path, mountedAt } = place;
  place.seen.add(folder.inode);
  try {
    for await (const item of tree.list(folder, signal)) {
      signal.throwIfAborted();
      const itsPath = joinPath(path, item.name);
      // A lost name makes the path of its folder, or of the root itself, and nothing is mounted there.
      const mounted = item.name === '' ? undefined : mountedAt(itsPath);
      if (mounted) {
        const root = { ...mounted.root, name: item.name };
        yield { path: itsPath, tree: mounted, entry: root };
        yield* below({ tree: mounted, folder: root, path: itsPath, depth: 0, seen: new Set(), mountedAt }, signal);
      } else if (item.entry) {
        yield { path: itsPath, tree, entry: item.entry };
        if (item.entry.kind === 'folder')
          yield* descend({ ...place, folder: item.entry, path: itsPath, depth: place.depth + 1 }, signal);
      } else yield { path: itsPath, damage: item.damage };
    }
  } catch (error) {
    yield { path, damage: damageOf(error) };
  }
}

async function* descend(place: Place, signal: AbortSignal): AsyncIterable<WalkedItem> {
  const { folder, path, depth, seen } = place;
  if (seen.has(folder.inode)) yield { path, damage: 'the folder stands elsewhere, too, or holds itself' };
  else if (depth >= MAX_DEPTH) yield { path, damage: `more than ${MAX_DEPTH} folders deep` };
  else yield* below(place, signal);
}

export function joinPath(folder: ByteString, name: ByteString): ByteString {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}
