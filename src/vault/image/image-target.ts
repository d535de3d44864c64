import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode, VaultError } from '../../errors.ts';
import { countBlocks } from '../parameters.ts';
import { ifAbsent } from '../publish-file.ts';
import { BlockSet } from './block-set.ts';
import { findDataBlocks } from './data-extents.ts';
import { deviceBytes } from './open-image.ts';
import { openPartialFile } from './partial-file.ts';

/** Where an image is being written: a `.partial` beside its name until all of it is proven, or a block device. */
export interface ImageTarget {
  /** What a person finds there now. */
  readonly path: string;
  readonly file: FileHandle;
  /** The same, open for writing past the page cache; undefined where the file system has no such way. */
  readonly direct: FileHandle | undefined;
  readonly volumeBytes: number;
  /** Blocks that may hold something from before; undefined: any. */
  readonly data: BlockSet | undefined;
  /** Bytes on the disk, and under the final name if it is a file. Repeatable. */
  publish(): Promise<string>;
  close(): Promise<void>;
}

export interface TargetRequest {
  readonly path: string;
  readonly volumeBytes: number;
  /** What the stored blocks take; holes take nothing. */
  readonly dataBytes: number;
  /** Without it a block device is refused like any other thing that exists. */
  readonly overwriteDevice: boolean;
  readonly signal: AbortSignal;
}

/** TargetExists when something stands there, TargetUnusable when it cannot be written or has no room. */
export async function openTarget(request: TargetRequest): Promise<ImageTarget> {
  const { path } = request;
  const there = await writing(path, () => findThere(path));
  if (!there) return openPartial(request);
  if (there.isBlockDevice() && request.overwriteDevice) return openDevice(request, there.rdev);
  const hint = there.isBlockDevice() ? 'add --overwrite-device to write over it' : 'name another place or move it away';
  throw new VaultError('TargetExists', `${path} exists and nothing is overwritten; ${hint}`, { context: { path } });
}

/** A device by any of its links; a link that leads nowhere stands in the way like a file. */
async function findThere(path: string): Promise<BigIntStats | undefined> {
  const followed = await stat(path, { bigint: true }).catch(ifAbsent);
  return followed ?? lstat(path, { bigint: true }).catch(ifAbsent);
}

async function openPartial({ path, volumeBytes, dataBytes, signal }: TargetRequest): Promise<ImageTarget> {
  const partial = await writing(path, () => openPartialFile(path));
  const { file } = partial;
  try {
    const data = await writing(path, async () => {
      const { size, blocks } = await file.stat();
      await mustHaveRoom(path, dataBytes - blocks * 512);
      await file.truncate(volumeBytes);
      return size === 0 ? new BlockSet(countBlocks(volumeBytes)) : findDataBlocks(file, signal);
    });
    const publish = () => writing(path, () => partial.publish().then(() => path));
    return { path: partial.path, ...(await bothWays(file, partial.close)), volumeBytes, data, publish };
  } catch (error) {
    await partial.close();
    throw error;
  }
}

/**
 * The page cache only costs: everything is synced before it counts, and a copy of each page is half of what writing takes.
 * Opened through the descriptor and not the path, behind which something else may stand by now.
 */
async function bothWays(
  file: FileHandle,
  closeFile = () => file.close(),
): Promise<Pick<ImageTarget, 'file' | 'direct' | 'close'>> {
  // /proc and O_DIRECT are Linux's, and not every file system of Linux's has the latter.
  const flags = constants.O_WRONLY | constants.O_DIRECT;
  const direct = await open(`/proc/self/fd/${file.fd}`, flags).catch(() => undefined);
  const close = async () => {
    await direct?.close();
    await closeFile();
  };
  return { file, direct, close };
}

async function mustHaveRoom(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  if (bytes <= free) return;
  const message = `${path} needs ${bytes} bytes and the file system of ${dirname(path)} has ${free} free; make room or name a folder on a larger disk`;
  throw new VaultError('TargetUnusable', message, { context: { path, bytes, free } });
}

async function openDevice({ path, volumeBytes }: TargetRequest, rdev: bigint): Promise<ImageTarget> {
  return writing(path, async () => {
    const bytes = await deviceBytes(rdev);
    if (bytes < volumeBytes) {
      const message = `${path} has ${bytes} bytes and the volume ${volumeBytes}; use a larger device`;
      throw new VaultError('TargetUnusable', message, { context: { path, bytes, volumeBytes } });
    }
    // O_EXCL: the kernel refuses (EBUSY) while the device is mounted or part of another one.
    const file = await open(path, constants.O_RDWR | constants.O_EXCL);
    const publish = async () => {
      await file.sync();
      return path;
    };
    return { path, ...(await bothWays(file)), volumeBytes, data: undefined, publish };
  });
}

export async function writeFully(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    if (bytesWritten === 0)
      throw new TypeError(`the file took none of ${bytes.length - done} bytes and gave no reason`);
    done += bytesWritten;
  }
}

/** Of whatever is written by a command: its next attempt finds what this one left. */
const GOES_ON = 'run the same command again, which goes on where it stopped';

/** Errors of the system, as what they mean to whoever waits for what is written at `path`; `again`: once there is room. */
export async function writing<T>(path: string, work: () => Promise<T>, again: string = GOES_ON): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || !(error instanceof Error) || error.name === 'AbortError') throw error;
    const details = { context: { path }, cause: error };
    if (code === 'EEXIST') throw new VaultError('TargetExists', `${path} exists; name another`, details);
    const full = FULL[code];
    const reason = full === undefined ? (MEANINGS[code] ?? error.message) : `${full}; make room, then ${again}`;
    throw new VaultError('TargetUnusable', `${path} cannot be written: ${reason} (${code})`, details);
  }
}

const FULL: Readonly<Record<string, string>> = { ENOSPC: 'the disk is full', EDQUOT: 'the quota is used up' };

const MEANINGS: Readonly<Record<string, string>> = {
  EFBIG: 'the file system or a limit (ulimit -f) allows no file of this size',
  EROFS: 'the file system is read-only',
  EBUSY: 'the device is mounted or in use',
  ENOENT: 'its folder does not exist',
  ELOOP: 'where it goes, or its .partial, is a symbolic link; move that away',
};
