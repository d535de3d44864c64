import { sliceOf } from '../byte-slice.ts';
import { type FileSystemFact, placeOf } from '../file-system-fact.ts';
import { type Mount, matchesSpec, parseFstab } from '../fstab.ts';
import type { MachineDisk } from '../machine-files.ts';
import { readFileSystems } from '../read-file-systems.ts';
import { damageOf } from './damage.ts';
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
  /** Of the root: why its fstab cannot be read. Then no other file system is where the machine mounts it. */
  readonly fstabDamage?: string;
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
  const fstab: Fstab = root?.tree ? await readFstab(root.tree, signal) : { mounts: [] };
  for (const { spec, path } of fstab.mounts) {
    const at = Buffer.from(path, 'utf8').toString('latin1');
    const match = found.find((one) => !placed.has(one) && matchesSpec(spec, one.fact, one.diskIndex));
    if (at === '' || !match || mounts.has(at)) continue;
    placed.set(match, at);
    if (match.tree) mounts.set(at, match.tree);
    else unreadableAt.set(at, match.unreadable ?? 'it holds no file system');
  }
  return {
    fileSystems: found.map((one) => described(one, placed.get(one), one === root ? fstab.damage : undefined)),
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
  for (const [diskIndex, disk] of disks.entries()) {
    for (const { fact, unreadable } of await readFacts(disk, how.signal)) {
      const part = sliceOf(disk.source, fact.offset, fact.bytes);
      const opened = unreadable === undefined ? await openFileSystem(fact, part, how) : { unreadable };
      found.push({ fact, diskIndex, ...opened });
    }
  }
  return found;
}

/** A disk whose beginning is lost is one thing that cannot be read; the other disks still can. */
async function readFacts(
  { volumeId, source }: MachineDisk,
  signal: AbortSignal,
): Promise<readonly Pick<Opened, 'fact' | 'unreadable'>[]> {
  try {
    return (await readFileSystems(volumeId, source, signal)).map((fact) => ({ fact }));
  } catch (error) {
    const unreadable = damageOf(error);
    const whole = { volumeId, partition: 0, offset: 0, bytes: source.bytes } as const;
    return [{ fact: { ...whole, kind: 'unrecognized', state: 'unknown', found: unreadable }, unreadable }];
  }
}

async function findRoot(found: readonly Opened[], signal: AbortSignal): Promise<Opened | undefined> {
  for (const one of found) {
    if (one.tree && (await holds(one.tree, ['etc', 'fstab'], signal))) return one;
  }
  for (const one of found) if (one.tree && (await holds(one.tree, ['etc'], signal))) return one;
  return found.find(({ tree }) => tree !== undefined);
}

async function findFile(tree: FileTree, names: readonly string[], signal: AbortSignal): Promise<Entry | undefined> {
  let entry: Entry | undefined = tree.root;
  for (const name of names) entry = entry?.kind === 'folder' ? await tree.find(entry, name, signal) : undefined;
  return entry;
}

async function holds(tree: FileTree, names: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    return (await findFile(tree, names, signal)) !== undefined;
  } catch (error) {
    damageOf(error); // a damaged folder may stand beside a good file system
    return false;
  }
}

interface Fstab {
  readonly mounts: readonly Mount[];
  readonly damage?: string;
}

async function readFstab(tree: FileTree, signal: AbortSignal): Promise<Fstab> {
  try {
    const file = await findFile(tree, ['etc', 'fstab'], signal);
    if (file?.kind !== 'file') return { mounts: [] };
    const bytes = await tree.read(file, 0, Math.min(file.size, FSTAB_BYTES), signal);
    return { mounts: parseFstab(new TextDecoder().decode(bytes)) };
  } catch (error) {
    return { mounts: [], damage: damageOf(error) };
  }
}

function whyUnread({ fact, unreadable }: Opened): string[] {
  return unreadable === undefined ? [] : [`${placeOf(fact)}: ${unreadable}`];
}

function described(
  { fact, tree, unreadable }: Opened,
  mountedAt: ByteString | undefined,
  fstabDamage: string | undefined,
): MachineFileSystem {
  const isTold = { ...(unreadable && { unreadable }), ...(fstabDamage !== undefined && { fstabDamage }) };
  return { fact, ...(tree && { tree }), ...(mountedAt && { mountedAt }), ...isTold };
}
