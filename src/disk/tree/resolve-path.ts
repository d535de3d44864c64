import { DiskError } from '../../errors.ts';
import type { ByteString, Entry, FileTree } from './file-tree.ts';
import type { Located } from './machine-tree.ts';
import { shownBytes } from './shown-bytes.ts';
import { joinPath } from './walk-tree.ts';

/** ELOOP in Linux. */
const MAX_LINKS = 40;
/** PATH_MAX bytes hold no more segments. */
const MAX_SEGMENTS = 2_048;

export interface Mounts {
  readonly mounts: ReadonlyMap<ByteString, FileTree>;
  readonly unreadableAt: ReadonlyMap<ByteString, string>;
  /** Of each file system that cannot be read, which it is and why. */
  readonly unread: readonly string[];
}

/** Walks a path as the kernel does: mounts cover folders, links lead on inside of the machine, `..` stops at its root. */
export async function resolvePath(
  machine: Mounts,
  path: ByteString,
  signal: AbortSignal,
): Promise<Located | undefined> {
  const { mounts, unread } = machine;
  const top = mounts.get('/');
  if (!top) {
    const why = unread.length > 0 ? unread.join('; ') : 'its disks hold none';
    throw new DiskError('UnreadableDisk', `No file system of this machine can be read: ${why}`);
  }
  const root: Located = { path: '/', tree: top, entry: top.root };
  let walked: Located[] = [root];
  let left = segmentsOf(path);
  let links = 0;
  for (let steps = 0; steps < MAX_SEGMENTS; steps++) {
    const here = walked.at(-1) ?? root;
    const [name, ...rest] = left;
    if (name === undefined) return here;
    left = rest;
    if (name === '..') {
      walked = walked.length > 1 ? walked.slice(0, -1) : walked;
      continue;
    }
    const next = await step(here, name, machine, signal);
    if (!next) return undefined;
    if (next.entry.kind !== 'link' || rest.length === 0) {
      walked = [...walked, next];
      continue;
    }
    if (++links > MAX_LINKS) throw new DiskError('UnreadableDisk', `${shownBytes(path)} leads round in links.`);
    const target = await next.tree.readLink(next.entry, signal);
    if (target.startsWith('/')) walked = [root];
    left = [...segmentsOf(target), ...left];
  }
  throw new DiskError('UnreadableDisk', `${shownBytes(path)} has more than ${MAX_SEGMENTS} segments.`);
}

async function step(
  here: Located,
  name: ByteString,
  { mounts, unreadableAt }: Mounts,
  signal: AbortSignal,
): Promise<Located | undefined> {
  if (here.entry.kind !== 'folder') return undefined;
  const path = joinPath(here.path, name);
  const why = unreadableAt.get(path);
  if (why !== undefined) {
    throw new DiskError('UnreadableDisk', `${shownBytes(path)} lies on a file system that cannot be read: ${why}.`);
  }
  const mounted = mounts.get(path);
  if (mounted) return { path, tree: mounted, entry: { ...mounted.root, name } };
  const entry: Entry | undefined = await here.tree.find(here.entry, name, signal);
  return entry && { path, tree: here.tree, entry };
}

function segmentsOf(path: ByteString): ByteString[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
