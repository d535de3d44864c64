import { lchown, link, lutimes, symlink } from 'node:fs/promises';
import { systemCode } from '../../errors.ts';
import { damageOf } from '../tree/damage.ts';
import type { ByteString } from '../tree/file-tree.ts';
import type { Located, MachineTree } from '../tree/machine-tree.ts';
import { applyFacts, secondsOf } from './apply-facts.ts';
import { type HeldFolder, holdFolder } from './held-folder.ts';
import { writeFile } from './write-file.ts';

export interface ExtractRequest {
  readonly machine: MachineTree;
  readonly from: Located;
  /** Exists; what is restored lands in it by its name, the root's content without one. */
  readonly folder: string;
  /** Owners can be set. */
  readonly asRoot: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: { readonly files: number; readonly bytes: number }) => void;
}

export interface Extracted {
  readonly files: number;
  /** Finished by an earlier attempt. */
  readonly kept: number;
  readonly folders: number;
  readonly links: number;
  readonly bytes: number;
  /** What is not there, or not as it was, and why. */
  readonly problems: readonly { readonly path: ByteString; readonly problem: string; readonly isDamage: boolean }[];
}

interface OpenFolder {
  readonly path: ByteString;
  readonly held: HeldFolder;
  readonly located: Located | undefined;
}

/**
 * Writes a file or tree into a folder. Nothing is ever written outside of it: names are single segments, folders are held
 * open instead of found again by path, and links are made but never followed. Repeatable: what is finished stays.
 */
export async function extract(request: ExtractRequest): Promise<Extracted> {
  const done = { files: 0, kept: 0, folders: 0, links: 0, bytes: 0, problems: [] as Extracted['problems'][number][] };
  const stack: OpenFolder[] = [{ path: '', held: await holdFolder(request.folder), located: undefined }];
  const work: Work = { request, stack, firstNames: new Map(), done };
  try {
    for await (const item of request.machine.walk(request.from, request.signal)) {
      await leaveUntil(work, item.path);
      if (!item.entry) done.problems.push({ path: item.path, problem: item.damage, isDamage: true });
      else await place(work, item);
      request.onProgress?.(done);
    }
    await leaveUntil(work, undefined);
  } finally {
    for (const { held } of stack) await held.close();
  }
  return done;
}

interface Work {
  readonly request: ExtractRequest;
  readonly stack: OpenFolder[];
  /** Of files with several names: the first, by tree and inode. */
  readonly firstNames: Map<string, ByteString>;
  readonly done: { -readonly [K in keyof Extracted]: Extracted[K] } & { problems: Extracted['problems'][number][] };
}

async function place(work: Work, file: Located): Promise<void> {
  const { request, stack, done } = work;
  const folder = stack.at(-1)?.held;
  if (!folder) throw new TypeError('the target folder stays open');
  try {
    if (file.entry.kind === 'folder') {
      // The root has no name: its content goes into the target itself.
      const held = file.entry.name === '' ? await holdFolder(folder.at('.')) : await folder.enter(file.entry.name);
      stack.push({ path: file.path, held, located: file });
      done.folders++;
    } else await placeFile(work, { file, folder });
  } catch (error) {
    done.problems.push({ path: file.path, ...problemOf(error) });
  }
  request.signal.throwIfAborted();
}

async function placeFile(work: Work, { file, folder }: { file: Located; folder: HeldFolder }): Promise<void> {
  const { request, done, firstNames } = work;
  const { entry, tree } = file;
  if (entry.kind === 'link') {
    const target = Buffer.from(await tree.readLink(entry, request.signal), 'latin1');
    await unlessThere(symlink(target, folder.at(entry.name)));
    if (request.asRoot) await lchown(folder.at(entry.name), entry.uid, entry.gid);
    await lutimes(folder.at(entry.name), secondsOf(entry.atimeNs), secondsOf(entry.mtimeNs));
    done.links++;
    return;
  }
  if (entry.kind !== 'file') {
    done.problems.push({ path: file.path, problem: `a ${entry.kind} is not made; --tar holds it`, isDamage: false });
    return;
  }
  const identity = `${trees.idOf(tree)} ${entry.inode}`;
  const first = entry.links > 1 ? firstNames.get(identity) : undefined;
  if (first !== undefined && (await linkTo(work, first, folder.at(entry.name)))) {
    done.links++;
    return;
  }
  const order = { file, folder, asRoot: request.asRoot, signal: request.signal };
  const before = done.bytes;
  const onBytes = (bytes: number) => {
    done.bytes += bytes;
    request.onProgress?.(done);
  };
  const { kept, unset } = await writeFile({ ...order, onBytes });
  if (kept) done.kept++;
  else done.files++;
  if (done.bytes < before) throw new TypeError('bytes only grow');
  if (entry.links > 1) firstNames.set(identity, file.path);
  if (unset) done.problems.push({ path: file.path, ...unset });
}

/** Trees have no name of their own; a number each is enough to tell their inodes apart. */
const trees = {
  ids: new WeakMap<object, number>(),
  next: 1,
  idOf(tree: object): number {
    const id = this.ids.get(tree) ?? this.next++;
    this.ids.set(tree, id);
    return id;
  },
};

/** From the target folder down to the first name, folder by folder, each held: a link put in between leads nowhere. */
async function linkTo({ request, stack }: Work, first: ByteString, at: Buffer): Promise<boolean> {
  const root = stack[0]?.held;
  const above = request.from.path.slice(0, request.from.path.lastIndexOf('/'));
  const names = first
    .slice(above.length)
    .split('/')
    .filter((name) => name !== '');
  const name = names.pop();
  if (!root || name === undefined) return false;
  let folder = root;
  const opened: HeldFolder[] = [];
  try {
    for (const segment of names) {
      folder = await holdFolder(folder.at(segment));
      opened.push(folder);
    }
    await unlessThere(link(folder.at(name), at));
    return true;
  } finally {
    for (const one of opened) await one.close();
  }
}

async function unlessThere(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/** Folders get their facts when everything in them is made: writing moves their times, and their mode may forbid it. */
async function leaveUntil({ request, stack, done }: Work, path: ByteString | undefined): Promise<void> {
  while (stack.length > 1) {
    const top = stack.at(-1);
    if (!top || (path !== undefined && isBelow(path, top.path))) return;
    stack.pop();
    try {
      const unset = top.located && (await applyFacts(top.held.handle, top.located, request));
      if (unset) done.problems.push({ path: top.path, ...unset });
    } finally {
      await top.held.close();
    }
  }
}

function isBelow(path: ByteString, folder: ByteString): boolean {
  return path.startsWith(folder === '/' ? '/' : `${folder}/`) && path !== folder;
}

/** A full disk or a missing right stops everything; a name that this machine cannot hold costs one file. */
const PER_FILE = ['ENAMETOOLONG', 'EINVAL', 'EILSEQ', 'EEXIST', 'ENOTDIR', 'ELOOP', 'EISDIR', 'EFBIG', 'EMLINK'];

function problemOf(error: unknown): { problem: string; isDamage: boolean } {
  const code = systemCode(error) ?? '';
  if (PER_FILE.includes(code)) return { problem: `this machine cannot hold it here (${code})`, isDamage: true };
  return { problem: damageOf(error), isDamage: true };
}
