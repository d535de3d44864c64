import { constants } from 'node:fs';
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import { systemCode } from '../../errors.ts';
import type { Located } from '../tree/machine-tree.ts';
import { applyFacts, type Unset } from './apply-facts.ts';
import type { HeldFolder } from './held-folder.ts';

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW, O_TRUNC } = constants;
/** Eight blocks of a vault: large enough to be read ahead, small enough to show progress. */
export const CHUNK_BYTES = 4 << 20;

export interface FileOrder {
  readonly file: Located;
  readonly folder: HeldFolder;
  readonly asRoot: boolean;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export interface WrittenFile {
  /** An earlier attempt finished it; its time is set last, so size and time prove that. */
  readonly kept: boolean;
  /** Of its facts, what could not be set. */
  readonly unset?: Unset | undefined;
}

/** Writes one file with its holes. A file that cannot be read whole is taken away again, and the error says why. */
export async function writeFile(order: FileOrder): Promise<WrittenFile> {
  const { file, folder } = order;
  const at = folder.at(file.entry.name);
  const handle = await openNew(at, file);
  if (handle === 'kept') return { kept: true };
  try {
    await handle.truncate(file.entry.size);
    await copyExtents(handle, order);
    return { kept: false, unset: await applyFacts(handle, file, order) };
  } catch (error) {
    await unlink(at).catch(() => {}); // the error that matters is the first
    throw error;
  } finally {
    await handle.close();
  }
}

async function openNew(at: Buffer, { entry }: Located): Promise<FileHandle | 'kept'> {
  try {
    return await open(at, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const there = await lstat(at, { bigint: true });
  // Node sets times through a double, which holds a quarter of a microsecond.
  const isSameTime =
    there.mtimeNs / 1_000n - entry.mtimeNs / 1_000n <= 1n && entry.mtimeNs / 1_000n - there.mtimeNs / 1_000n <= 1n;
  if (there.isFile() && there.size === BigInt(entry.size) && isSameTime) return 'kept';
  return open(at, O_WRONLY | O_NOFOLLOW | O_TRUNC);
}

async function copyExtents(handle: FileHandle, { file: { tree, entry }, signal, onBytes }: FileOrder): Promise<void> {
  for await (const { offset, bytes } of tree.extents(entry, signal)) {
    for (let at = offset; at < offset + bytes; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, offset + bytes - at);
      const chunk = await tree.read(entry, at, length, signal);
      for (let done = 0; done < length; ) {
        done += (await handle.write(chunk, done, length - done, at + done)).bytesWritten;
      }
      onBytes(length);
    }
  }
}
