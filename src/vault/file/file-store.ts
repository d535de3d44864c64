import { constants } from 'node:fs';
import { type FileHandle, link, open, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemCode } from '../../errors.ts';
import { makeFolders } from '../../make-folders.ts';
import { sameBytes } from '../bytes.ts';
import type { ByteRange, ObjectFacts, ObjectStore } from '../object-store.ts';
import { ifPresent, undefinedIfDamaged } from '../presence.ts';
import {
  alreadyExists,
  cannotLock,
  isKey,
  missing,
  mustBeKey,
  mustBeWhole,
  mustFitInto,
  mustHaveLength,
  rangeOf,
} from '../whole-object.ts';
import { guard, guardFolders, guardRead } from './file-errors.ts';
import { IncomingFolder } from './incoming.ts';

/**
 * A vault in a folder: each object a file with the same bytes as in a bucket. Created by link(2), which fails when the
 * name exists; file and folder are synced first, so a create that resolved survives a power cut.
 */
export function createFileStore(folder: string): ObjectStore {
  const url = pathToFileURL(folder).href;
  const incoming = new IncomingFolder(folder);
  const pathOf = (key: string) => {
    mustBeKey(key);
    return join(folder, key);
  };
  return {
    url,
    create: (key, body, signal, { retention } = {}) =>
      guard(key, url, async () => {
        if (retention) throw cannotLock(key, url);
        await createFile({ folder, incoming }, { key, path: pathOf(key), body, url }, signal);
      }),
    get: (key, signal, part) =>
      guardRead(key, url, async () => {
        signal.throwIfAborted();
        const range = rangeOf(part);
        if (range) return readRange(key, pathOf(key), range);
        if (part) mustFitInto(part, key, (await stat(pathOf(key))).size);
        const bytes = await readFile(pathOf(key), { signal });
        mustBeWhole(key, bytes, { url });
        return bytes;
      }),
    head: (key, signal) =>
      guardRead(key, url, async () => {
        signal.throwIfAborted();
        const facts = await stat(pathOf(key));
        if (!facts.isFile()) throw missing(key, url);
        return { key, bytes: facts.size };
      }),
    list: (prefix, signal) => listFiles(folder, prefix, { url, signal }),
    retain: async (key) => {
      throw cannotLock(key, url);
    },
    retentionOf: (key, signal) =>
      guardRead(key, url, async () => {
        signal.throwIfAborted();
        await stat(pathOf(key));
        return undefined;
      }),
    placeHold: async (key) => {
      throw cannotLock(key, url);
    },
    releaseHold: async () => {}, // there never is one
    remove: (key, signal) =>
      guard(key, url, async () => {
        signal.throwIfAborted();
        await removeFile(pathOf(key));
      }),
  };
}

interface NewFile {
  readonly key: string;
  readonly path: string;
  readonly body: Uint8Array;
  readonly url: string;
}

interface Folders {
  readonly folder: string;
  readonly incoming: IncomingFolder;
}

async function createFile(
  { folder, incoming }: Folders,
  { key, path, body, url }: NewFile,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const inside = dirname(path);
  await guardFolders({ key, path: inside, url }, () => makeFolder(inside, folder));
  const written = await incoming.newPath();
  try {
    await writeSynced(written, body, signal);
    await link(written, path);
    await syncFolder(inside);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    // What cannot be read back is not `body`.
    const there = await guardRead(key, url, () => readFile(path)).catch(undefinedIfDamaged);
    if (!there || !sameBytes(there, body)) throw alreadyExists(key, url);
  } finally {
    await rm(written, { force: true });
  }
}

/** Synced like a create: what was removed does not come back after a power cut. */
async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
    return;
  }
  await syncFolder(dirname(path));
}

/** A new folder's name is synced in its parent too, or the file could be lost with it. */
async function makeFolder(path: string, root: string): Promise<void> {
  const first = await makeFolders(path);
  if (first === undefined) return;
  for (let made = path; made.length >= first.length && made !== root; made = dirname(made))
    await syncFolder(dirname(made));
}

async function writeSynced(path: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(body, { signal });
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readRange(key: string, path: string, { offset, length, room }: ByteRange): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = offset < 0 ? size + offset : offset;
    const bytes =
      from < 0
        ? new Uint8Array(size)
        : await readFully(file, from, room?.subarray(0, length) ?? new Uint8Array(length));
    mustHaveLength(key, bytes, length);
    return bytes;
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, from: number, bytes: Uint8Array): Promise<Uint8Array> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, from + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

async function* listFiles(
  folder: string,
  prefix: string,
  { url, signal }: { url: string; signal: AbortSignal },
): AsyncIterable<ObjectFacts> {
  const inFolder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  for await (const facts of walk(folder, inFolder, { url, signal })) {
    if (facts.key.startsWith(prefix)) yield facts;
  }
}

async function* walk(
  folder: string,
  below: string,
  { url, signal }: { url: string; signal: AbortSignal },
): AsyncIterable<ObjectFacts> {
  signal.throwIfAborted();
  // Folders and files may go while others are listed: a collection beside a backup.
  const entries =
    (await ifPresent(guard(below, url, () => readdir(join(folder, below), { withFileTypes: true })))) ?? [];
  // Sorted as keys: a folder compares with its slash, else 'a/b' and 'a-b' come in another order than in a bucket.
  const names = entries
    .filter(({ name }) => isKey(below + name))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.isFile() ? entry.name : ''))
    .filter((name) => name !== '')
    .sort((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    const key = below + name;
    if (name.endsWith('/')) yield* walk(folder, key, { url, signal });
    else {
      const facts = await ifPresent(guard(key, url, () => stat(join(folder, key))));
      if (facts) yield { key, bytes: facts.size };
    }
  }
}
