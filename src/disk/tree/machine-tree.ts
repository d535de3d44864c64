import { DiskError } from '../../errors.ts';
import { sliceOf } from '../byte-slice.ts';
import { type FileSystemFact, placeOf } from '../file-system-fact.ts';
import { matchesSpec, parseFstab } from '../fstab.ts';
import type { MachineDisk } from '../machine-files.ts';
import { readFileSystems } from '../read-file-systems.ts';
import type { ByteString, Entry, FileTree } from './file-tree.ts';
import { type OtherReader, openFileSystem } from './open-file-system.ts';
import { resolvePath } from './resolve-path.ts';
import { type WalkedItem, walkTree } from './walk-tree.ts';

const FSTAB_BYTES = 65_536;

/** One file system of the machine. */
export interface MachineFileSystem {
  readonly fact: FileSystemFact;
  readonly tree?: FileTree;
  /** Why there is no tree although files may be there. */
  readonly unreadable?: string;
  /** Where fstab mounts it ('/' for the root); undefined when nothing does. */
  readonly mountedAt?: ByteString;
}

export interface Located {
  readonly path: ByteString;
  readonly tree: FileTree;
  readonly entry: Entry;
}

/** All files of a machine by the paths they have when it runs. */
export interface MachineTree {
  readonly fileSystems: readonly MachineFileSystem[];
  /** Links in folders are followed, the last segment is not; undefined when there is no such file. */
  find(path: ByteString, signal: AbortSignal): Promise<Located | undefined>;
  walk(from: Located, signal: AbortSignal): AsyncIterable<WalkedItem>;
}

/**
 * Disks as /etc/fstab mounts them; give the root disk first, the others in the order of their device names. Without a
 * root file system (a data disk alone) the first one that can be read is '/'.
 */
export async function openMachineTree(
  disks: readonly MachineDisk[],
  signal: AbortSignal,
  others?: OtherReader,
): Promise<MachineTree> {
  const found = await openAll(disks, { others, signal });
  const root = await findRoot(found, signal);
  const mounts = new Map<ByteString, FileTree>();
  const unreadableAt = new Map<ByteString, string>();
  if (root?.tree) mounts.set('/', root.tree);
  const placed = new Map<Opened, ByteString>();
  if (root) placed.set(root, '/');
  for (const { spec, path } of root?.tree ? await readFstab(root.tree, signal) : []) {
    const at = Buffer.from(path, 'utf8').toString('latin1');
    const match = found.find((one) => !placed.has(one) && matchesSpec(spec, one.fact, one.diskIndex));
    if (at === '' || !match || mounts.has(at)) continue;
    placed.set(match, at);
    if (match.tree) mounts.set(at, match.tree);
    else unreadableAt.set(at, match.unreadable ?? 'it holds no file system');
  }
  return {
    fileSystems: found.map((one) => described(one, placed.get(one))),
    find: (path, ours) => resolvePath({ mounts, unreadableAt, unread: found.flatMap(whyUnread) }, path, ours),
    walk: ({ tree, entry, path }, ours) =>
      walkTree(tree, { from: entry, path, mountedAt: (at) => mounts.get(at) }, ours),
  };
}

interface Opened {
  readonly fact: FileSystemFact;
  readonly diskIndex: number;
  readonly tree?: FileTree | undefined;
  readonly unreadable?: string | undefined;
}

async function openAll(
  disks: readonly MachineDisk[],
  how: { readonly others: OtherReader | undefined; readonly signal: AbortSignal },
): Promise<readonly Opened[]> {
  const found: Opened[] = [];
  for (const [diskIndex, { volumeId, source }] of disks.entries()) {
    for (const fact of await readFileSystems(volumeId, source, how.signal)) {
      const opened = await openFileSystem(fact, sliceOf(source, fact.offset, fact.bytes), how);
      found.push({ fact, diskIndex, ...opened });
    }
  }
  return found;
}

async function findRoot(found: readonly Opened[], signal: AbortSignal): Promise<Opened | undefined> {
  for (const one of found) {
    if (one.tree && (await findFile(one.tree, ['etc', 'fstab'], signal))) return one;
  }
  for (const one of found) if (one.tree && (await findFile(one.tree, ['etc'], signal))) return one;
  return found.find(({ tree }) => tree !== undefined);
}

async function findFile(tree: FileTree, names: readonly string[], signal: AbortSignal): Promise<Entry | undefined> {
  let entry: Entry | undefined = tree.root;
  try {
    for (const name of names) entry = entry?.kind === 'folder' ? await tree.find(entry, name, signal) : undefined;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error; // a damaged folder may stand beside a good file system
    return undefined;
  }
  return entry;
}

async function readFstab(tree: FileTree, signal: AbortSignal) {
  const file = await findFile(tree, ['etc', 'fstab'], signal);
  if (file?.kind !== 'file') return [];
  const bytes = await tree.read(file, 0, Math.min(file.size, FSTAB_BYTES), signal);
  return parseFstab(new TextDecoder().decode(bytes));
}

function whyUnread({ fact, unreadable }: Opened): string[] {
  return unreadable === undefined ? [] : [`${placeOf(fact)}: ${unreadable}`];
}

function described({ fact, tree, unreadable }: Opened, mountedAt: ByteString | undefined): MachineFileSystem {
  return { fact, ...(tree && { tree }), ...(unreadable && { unreadable }), ...(mountedAt && { mountedAt }) };
}
