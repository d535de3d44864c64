import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { VaultError } from '../../errors.ts';
import { BLOCK_BYTES, type BlockSource } from '../block-source.ts';
import { MAX_VOLUME_BYTES } from '../parameters.ts';
import type { BlockSet } from './block-set.ts';
import { findDataBlocks } from './data-extents.ts';

/** A raw disk image: the bytes of a disk in a file, or a block device. */
export interface RawImage {
  readonly source: BlockSource;
  /** When a file was last written to; undefined for a block device, of which nobody can tell. */
  readonly writtenAt: Date | undefined;
  /** Fails when a file was written to since it was opened. Of a block device nobody can tell. */
  mustBeUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** SourceUnusable when it cannot be read, is empty or neither a file nor a block device. */
export async function openImage(path: string, signal: AbortSignal): Promise<RawImage> {
  // O_NONBLOCK: a named pipe is told from a file only once it is open, and would wait for somebody who writes into it,
  // where no signal of ours reaches. Files and block devices do not care.
  const file = await reading(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const before = await file.stat({ bigint: true });
    const volumeBytes = await reading(path, () => sizeOf(path, before));
    const data = before.isFile() ? await findDataBlocks(file, signal) : undefined;
    return {
      source: createSource({ file, path, volumeBytes }, data),
      writtenAt: before.isFile() ? before.mtime : undefined,
      async mustBeUnchanged() {
        if (before.isBlockDevice()) return;
        const after = await file.stat({ bigint: true });
        if (after.size === before.size && after.mtimeNs === before.mtimeNs) return;
        const message = `${path} was written to while it was read, so what was read is no image of one moment; stop whoever writes, or use a snapshot of it`;
        throw new VaultError('SourceUnusable', message, { context: { path } });
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function sizeOf(path: string, facts: BigIntStats): Promise<number> {
  const bytes = facts.isFile() ? Number(facts.size) : facts.isBlockDevice() ? await deviceBytes(facts.rdev) : undefined;
  if (bytes === undefined) throw unusable(path, 'it is neither a file nor a block device');
  if (bytes === 0) throw unusable(path, 'it is empty');
  if (bytes > MAX_VOLUME_BYTES) throw unusable(path, `its ${bytes} bytes are more than a volume may have (256 TiB)`);
  return bytes;
}

/** The kernel counts sectors of 512 bytes here whatever the device's own are (Documentation/ABI/stable/sysfs-block). */
export async function deviceBytes(rdev: bigint): Promise<number> {
  // glibc's gnu_dev_major and gnu_dev_minor.
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8')) * 512;
}

interface OpenFile {
  readonly file: FileHandle;
  readonly path: string;
  readonly volumeBytes: number;
}

function createSource(image: OpenFile, data: BlockSet | undefined): BlockSource {
  return {
    volumeBytes: image.volumeBytes,
    async *blocks({ from, to }) {
      if (data) for (const index of data.within({ from, to })) yield { index, token: '' };
      else for (let index = from; index < to; index++) yield { index, token: '' };
    },
    // A file does not know what changed in it; who does says so in a list (changed-blocks.ts).
    changedSince: async () => 'unrelated',
    // Without a room not of Node's pool, as the caller may give it away; not zeroed, as every byte is written below.
    read: async ({ index }, signal, room = Buffer.allocUnsafeSlow(BLOCK_BYTES)) => {
      signal.throwIfAborted();
      return readBlock(image, { index, room });
    },
  };
}

/** Filled up with zeros where the image ends inside the block. */
async function readBlock(
  { file, path, volumeBytes }: OpenFile,
  { index, room }: { readonly index: number; readonly room: Uint8Array },
): Promise<Uint8Array> {
  const at = index * BLOCK_BYTES;
  const wanted = Math.min(BLOCK_BYTES, volumeBytes - at);
  const found = await reading(path, () => readFully(file, room.subarray(0, wanted), at));
  if (found < wanted) throw unusable(path, `it ended at byte ${at + found} of ${volumeBytes} while it was read`);
  return room.fill(0, wanted);
}

/** As many bytes as there are, at most `target.length`; returns how many. */
export async function readFully(file: FileHandle, target: Uint8Array, at: number): Promise<number> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await file.read(target, done, target.length - done, at + done);
    if (bytesRead === 0) return done;
    done += bytesRead;
  }
  return target.length;
}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error instanceof VaultError) throw error;
    throw unusable(path, error.message, error); // begins with its code
  }
}

function unusable(path: string, reason: string, cause?: unknown): VaultError {
  return new VaultError('SourceUnusable', `${path} cannot be read as a raw disk image: ${reason}`, {
    context: { path },
    cause,
  });
}
