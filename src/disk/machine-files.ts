import { DiskError } from '../errors.ts';
import { sliceOf } from './byte-slice.ts';
import type { ByteSource } from './byte-source.ts';
import { type ExtLayout, type Inode, readInode, readLayout } from './ext/layout.ts';
import { readFolder, readLink, readRange } from './ext/read.ts';
import type { FileReader } from './file-reader.ts';
import type { FileSystemFact } from './file-system-fact.ts';
import { type Mount, matchesSpec, parseFstab } from './fstab.ts';
import { guestText } from './guest-text.ts';
import { readFileSystems } from './read-file-systems.ts';

/** One disk of the machine. Give the root disk first, the others in the order of their device names. */
export interface MachineDisk {
  readonly volumeId: string;
  readonly source: ByteSource;
}

const ROOT_INODE = 2;
const FSTAB_BYTES = 65_536;
/** ELOOP in Linux. */
const MAX_LINKS = 40;
const MAX_SEGMENTS = 256;
const MAX_NAMES = 10_000;

interface Mounted {
  readonly path: string;
  /** Undefined: something is mounted here that this version cannot read. */
  readonly layout: ExtLayout | undefined;
  readonly kind: string;
}

/**
 * Files as the machine's /etc/fstab mounts them, from ext2, ext3 and ext4. UnreadableDisk when the root file system is
 * something else. A journal is not replayed: what these files say counts only where the file system is clean.
 */
export async function openMachineFiles(disks: readonly MachineDisk[], signal: AbortSignal): Promise<FileReader> {
  const found: { fact: FileSystemFact; diskIndex: number; source: ByteSource }[] = [];
  for (const [diskIndex, { volumeId, source }] of disks.entries()) {
    for (const fact of await readFileSystems(volumeId, source, signal)) {
      found.push({ fact, diskIndex, source: sliceOf(source, fact.offset, fact.bytes) });
    }
  }
  const root = await findRoot(found, signal);
  const mounts: Mounted[] = [{ path: '', layout: root, kind: 'ext' }];
  const fstab = await readPath(mounts, '/etc/fstab', signal);
  const text = fstab
    ? new TextDecoder().decode(
        await readRange(fstab.layout, fstab.inode, 0, Math.min(fstab.inode.size, FSTAB_BYTES), signal),
      )
    : '';
  for (const mount of parseFstab(text).filter(({ path }) => path !== ''))
    mounts.push(await mounted(found, mount, signal));
  return createReader(mounts);
}

/** On the first disk: the ext file system that holds /etc. */
async function findRoot(
  found: readonly { fact: FileSystemFact; diskIndex: number; source: ByteSource }[],
  signal: AbortSignal,
): Promise<ExtLayout> {
  for (const { fact, diskIndex, source } of found) {
    if (diskIndex !== 0 || !/^ext[234]$/.test(fact.kind)) continue;
    try {
      const layout = await readLayout(source, signal);
      if ((await readFolder(layout, await readInode(layout, ROOT_INODE, signal), signal)).has('etc')) return layout;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error; // a damaged partition may stand beside a good one
    }
  }
  const kinds = found.filter(({ diskIndex }) => diskIndex === 0).map(({ fact }) => fact.kind);
  throw new DiskError(
    'UnreadableDisk',
    `No root file system that can be read on the first disk, which holds ${kinds.join(', ') || 'nothing'}.`,
  );
}

async function mounted(
  found: readonly { fact: FileSystemFact; diskIndex: number; source: ByteSource }[],
  { spec, path }: Mount,
  signal: AbortSignal,
): Promise<Mounted> {
  const match = found.find(({ fact, diskIndex }) => matchesSpec(spec, fact, diskIndex));
  if (!match) return { path, layout: undefined, kind: guestText(spec, 60) };
  if (!/^ext[234]$/.test(match.fact.kind)) return { path, layout: undefined, kind: match.fact.kind };
  return { path, layout: await readLayout(match.source, signal), kind: match.fact.kind };
}

interface Located {
  readonly layout: ExtLayout;
  readonly inode: Inode;
}

interface Walk {
  readonly mounts: readonly Mounted[];
  readonly known: Map<string, Located | undefined>;
}

function createReader(mounts: readonly Mounted[]): FileReader {
  return {
    async read(path, limitBytes, signal) {
      const file = await readPath(mounts, path, signal);
      if (file?.inode.kind !== 'file') return undefined;
      if (file.inode.size > limitBytes) {
        throw new DiskError(
          'UnreadableDisk',
          `${guestText(path, 100)} has ${file.inode.size} bytes, more than the ${limitBytes} expected.`,
        );
      }
      return readRange(file.layout, file.inode, 0, file.inode.size, signal);
    },
    async readTail(path, bytes, signal) {
      const file = await readPath(mounts, path, signal);
      if (file?.inode.kind !== 'file') return undefined;
      const length = Math.min(bytes, file.inode.size);
      return {
        size: file.inode.size,
        bytes: await readRange(file.layout, file.inode, file.inode.size - length, length, signal),
      };
    },
    async list(path, signal) {
      const folder = await readPath(mounts, path, signal);
      if (folder?.inode.kind !== 'folder') return undefined;
      return [...(await readFolder(folder.layout, folder.inode, signal)).keys()].slice(0, MAX_NAMES);
    },
  };
}

/** Walks a path as the kernel does: mounts cover folders, links are followed inside of the tree, `..` stops at the root. */
async function readPath(mounts: readonly Mounted[], path: string, signal: AbortSignal): Promise<Located | undefined> {
  const walk: Walk = { mounts, known: new Map() };
  let left = segmentsOf(path);
  let walked: string[] = [];
  let links = 0;
  for (let steps = 0; steps < MAX_SEGMENTS; steps++) {
    const here = await locate(walk, walked, signal);
    const [name, ...rest] = left;
    if (name === undefined || here === undefined) return here;
    left = rest;
    if (name === '..') {
      walked = walked.slice(0, -1);
      continue;
    }
    const next = await locate(walk, [...walked, name], signal);
    if (next?.inode.kind !== 'link') {
      walked = [...walked, name];
      continue;
    }
    if (++links > MAX_LINKS) throw new DiskError('UnreadableDisk', `${guestText(path, 100)} leads round in links.`);
    const target = await readLink(next.layout, next.inode, signal);
    if (target.startsWith('/')) walked = [];
    left = [...segmentsOf(target), ...left];
  }
  throw new DiskError('UnreadableDisk', `${guestText(path, 100)} has more than ${MAX_SEGMENTS} segments.`);
}

/** The inode of a path without links in it, from the mount that covers it; parents are looked up once per walk. */
async function locate(walk: Walk, segments: readonly string[], signal: AbortSignal): Promise<Located | undefined> {
  const path = segments.map((segment) => `/${segment}`).join('');
  if (walk.known.has(path)) return walk.known.get(path);
  const mount = walk.mounts.findLast((candidate) => candidate.path === path);
  if (mount && mount.layout === undefined) {
    throw new DiskError(
      'UnreadableDisk',
      `${guestText(path, 100)} lies on a file system that this version cannot read (${mount.kind}).`,
    );
  }
  const located = mount?.layout
    ? { layout: mount.layout, inode: await readInode(mount.layout, ROOT_INODE, signal) }
    : await lookUp(await locate(walk, segments.slice(0, -1), signal), segments.at(-1) ?? '', signal);
  walk.known.set(path, located);
  return located;
}

async function lookUp(folder: Located | undefined, name: string, signal: AbortSignal): Promise<Located | undefined> {
  if (folder?.inode.kind !== 'folder') return undefined;
  const number = (await readFolder(folder.layout, folder.inode, signal)).get(name);
  return number === undefined
    ? undefined
    : { layout: folder.layout, inode: await readInode(folder.layout, number, signal) };
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
