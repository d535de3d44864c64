import { write } from 'node:fs';
import { promisify } from 'node:util';
import { systemCode } from '../../errors.ts';
import type { ImagePlaces } from '../block-jobs.ts';
import { BLOCK_BYTES } from '../block-source.ts';

const writeSome = promisify(write);

interface PlaceRequest {
  readonly bytes: Uint8Array;
  /** Of BLOCK_BYTES at a page's border; the block's alone until it is written. */
  readonly room: Uint8Array;
  readonly image: ImagePlaces;
  readonly index: number;
}

/** Writes one block where it belongs in the image; `bytes` are free at once. The volume may end inside of it. */
export async function placeBlock({ bytes, room, image, index }: PlaceRequest): Promise<void> {
  const at = index * BLOCK_BYTES;
  const length = Math.min(BLOCK_BYTES, image.volumeBytes - at);
  const block = room.subarray(0, length);
  block.set(length < bytes.length ? bytes.subarray(0, length) : bytes);
  if (image.directFd !== undefined && (await isWrittenDirectly(image.directFd, block, at))) return;
  await writeAll(image.fd, block, at);
}

/** False where the kernel wants larger pieces: an odd end of the volume, or a disk with sectors of 4 KiB below one of 512. */
async function isWrittenDirectly(fd: number, block: Uint8Array, at: number): Promise<boolean> {
  try {
    await writeAll(fd, block, at);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EINVAL') return false;
    throw error;
  }
}

async function writeAll(fd: number, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeSome(fd, bytes, done, bytes.length - done, at + done);
    if (bytesWritten === 0)
      throw new TypeError(`the file took none of ${bytes.length - done} bytes and gave no reason`);
    done += bytesWritten;
  }
}
